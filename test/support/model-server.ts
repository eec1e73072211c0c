import { spawn, type ChildProcess } from 'node:child_process';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Script } from './model-server/answers.ts';
import { DEFAULT_BEHAVIOUR, type Behaviour } from './model-server/behaviour.ts';
import { Counts, type RequestCounts } from './model-server/counts.ts';
import { createScriptedServer } from './model-server/http.ts';

export type { Asked, Script } from './model-server/answers.ts';
export type { Behaviour, FaultMode, FaultRule, LogprobsMode } from './model-server/behaviour.ts';
export { promptKey, type PromptCount, type RequestCounts } from './model-server/counts.ts';

export interface ModelServerOptions {
  readonly behaviour?: Partial<Behaviour>;
  /** Answers by content; in a process of its own name a module that exports `answer` instead. */
  readonly script?: Script;
  readonly scriptModule?: string;
  /** A process of its own, so that it can be killed, and so that it does not share the test's thread. */
  readonly ownProcess?: boolean;
  /** Default: any free one. */
  readonly port?: number;
  /** Where it listens when it runs here. Default: loopback. */
  readonly host?: string;
}

/** An OpenAI-compatible server whose answers depend on what is asked and on nothing else. */
export interface ModelServer {
  /** Base URL, up to and including `/v1`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number | undefined;
  requests(): Promise<RequestCounts>;
  /** Changes some of the behaviour; requests that are already here keep the old one. */
  set(behaviour: Partial<Behaviour>): Promise<void>;
  resetCounts(): Promise<void>;
  /** Ends its own process at once, as a crash would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  return options.ownProcess === true ? startChild(options) : startHere(options);
}

async function startHere(options: ModelServerOptions): Promise<ModelServer> {
  const scripted = {
    behaviour: { ...DEFAULT_BEHAVIOUR, ...options.behaviour },
    counts: new Counts(),
    script: options.script ?? (await loadScript(options.scriptModule)),
  };
  const server = createScriptedServer(scripted);
  const port = await listen(server, options.port ?? 0, options.host ?? '127.0.0.1');
  const stop = async () => {
    server.closeAllConnections();
    await new Promise<void>((done) => void server.close(() => done()));
  };
  return {
    url: urlOf(port),
    port,
    pid: undefined,
    requests: () => Promise.resolve(scripted.counts.snapshot(true)),
    set: (behaviour) => {
      scripted.behaviour = { ...scripted.behaviour, ...behaviour };
      return Promise.resolve();
    },
    resetCounts: () => Promise.resolve(scripted.counts.reset()),
    kill: stop,
    stop,
  };
}

async function startChild(options: ModelServerOptions): Promise<ModelServer> {
  const args = ['--port', String(options.port ?? 0), '--behaviour', JSON.stringify(options.behaviour ?? {})];
  if (options.scriptModule !== undefined) args.push('--script', options.scriptModule);
  const child = spawn(process.execPath, [import.meta.filename, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const port = await announced(child);
  const admin = `http://127.0.0.1:${String(port)}/admin`;
  const post = async (name: string, body: object) => {
    const response = await fetch(`${admin}/${name}`, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`the model server answers ${String(response.status)} to ${name}`);
    await response.body?.cancel();
  };
  return {
    url: urlOf(port),
    port,
    pid: child.pid,
    requests: async () => (await (await fetch(`${admin}/counts`)).json()) as RequestCounts,
    set: (behaviour) => post('behaviour', behaviour),
    resetCounts: () => post('reset', {}),
    kill: () => end(child, 'SIGKILL'),
    stop: () => end(child, 'SIGTERM'),
  };
}

async function announced(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error('the model server has no output');
  for await (const line of createInterface(child.stdout)) return Number(line);
  throw new Error('the model server ended before it served');
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((done) => void child.once('exit', () => done()));
  child.kill(signal);
  await exit;
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen({ port, host, backlog: 4_096 }, () => done((server.address() as AddressInfo).port));
  });
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${String(port)}/v1`;
}

async function loadScript(module: string | undefined): Promise<Script | undefined> {
  if (module === undefined) return undefined;
  const loaded = (await import(pathToFileURL(resolve(module)).href)) as { readonly answer: Script };
  return loaded.answer;
}

/**
 * `node test/support/model-server.ts [--host H] [--port N] [--behaviour JSON] [--script MODULE] [--keep]`: prints its
 * port, serves until its input ends, or with `--keep` until it is told to stop.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      behaviour: { type: 'string', default: process.env['BEHAVIOUR'] ?? '{}' },
      script: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  const server = await startHere({
    host: values.host,
    port: Number(values.port),
    behaviour: JSON.parse(values.behaviour) as Partial<Behaviour>,
    ...(values.script !== undefined && { scriptModule: values.script }),
  });
  process.stdout.write(`${String(server.port)}\n`);
  // A child whose parent is gone sees its input end, however the parent ended.
  if (!values.keep) process.stdin.resume().once('close', () => process.exit(0));
  process.once('SIGTERM', () => process.exit(0));
}

if (import.meta.main) await main();
