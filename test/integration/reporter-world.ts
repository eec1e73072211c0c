import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { folderBlob } from '@assay/lib/blob';
import { connectBus, JOBS, type Bus } from '@assay/lib/bus';
import type { BlobRef, Score } from '@assay/lib/domain';
import { createLog } from '@assay/lib/log';
import { callStream, connectRpc } from '@assay/lib/rpc';
import { ResultServiceClient } from '@assay/proto/assay/v1/result';
import { blobs } from '../../services/reporter/testing/builders.ts';
import { jobRecord } from '../../services/scheduler/testing/builders.ts';
import { startNats } from '../support/nats.ts';

const MAIN = resolve(import.meta.dirname, '../../services/reporter/main.ts');
const TOKEN = 'secret';

/** A reporter in a process of its own. */
export interface Reporter {
  readonly pid: number | undefined;
  readonly client: ResultServiceClient;
  /** Its address, for callers with another token. */
  readonly rpc: string;
  /** host:port of its metrics. */
  readonly ops: string;
  readonly output: () => string;
  /** How the process ended. */
  readonly ended: Promise<Ending>;
  /** SIGTERM. */
  stop(): Promise<Ending>;
}

type Ending = readonly [code: number | null, signal: NodeJS.Signals | null];
type Spawned = Pick<Reporter, 'output' | 'ended'> & { readonly child: ChildProcess };

/** A broker and a folder, in which reporters are started one after another. */
export interface World {
  readonly folder: string;
  readonly bus: Bus;
  spawn(): Spawned;
  /** Resolves when it serves. */
  start(): Promise<Reporter>;
  /** The next reporter that arrives at the crash point dies there. */
  arm(point: string): Promise<void>;
  /** With a record for each job that has none. */
  store(scores: readonly Score[]): Promise<void>;
  /** Where blobs are put; `written` makes them readable. */
  blobs(): { readonly put: (value: unknown) => BlobRef; readonly written: () => Promise<void> };
  end(): Promise<void>;
}

/** With an embedded database, unless the URL of another is given. */
export async function startWorld(databaseUrl?: string): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-reporter-'));
  await mkdir(join(folder, 'crash'));
  const nats = await startNats();
  const bus = await connectBus({
    url: nats.url,
    name: 'test',
    log: createLog({ service: 'test', level: 'silent' }),
  });
  await bus.ensure('p0', { generationsBytes: 1e9, scoresBytes: 1e9 });
  const running = new Set<ChildProcess>();
  const spawnOne = (): Spawned => spawnReporter(folder, nats.url, databaseUrl, running);
  return {
    folder,
    bus,
    spawn: spawnOne,
    start: () => started(folder, spawnOne),
    arm: (point) => writeFile(join(folder, 'crash', point), ''),
    store: async (scores) => {
      const ledger = bus.scores('p0');
      for (const job of new Set(scores.map((score) => score.job)))
        await bus.kv(JOBS).create(job, jobRecord({ id: job, tasks: [] }));
      for (let at = 0; at < scores.length; at += 500) {
        await Promise.all(scores.slice(at, at + 500).map((entry) => ledger.store(entry)));
      }
    },
    blobs: () => folderBlobs(folder),
    end: async () => {
      for (const child of running) child.kill('SIGKILL');
      await bus.close();
      await nats.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function spawnReporter(
  folder: string,
  natsUrl: string,
  databaseUrl: string | undefined,
  running: Set<ChildProcess>,
): Spawned {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ASSAY_NATS_URL: natsUrl,
      ASSAY_BLOB_DIR: join(folder, 'blobs'),
      ...(databaseUrl === undefined
        ? { ASSAY_DATABASE_DIR: join(folder, 'database') }
        : { ASSAY_DATABASE_URL: databaseUrl }),
      ASSAY_REPORTS_DIR: join(folder, 'reports'),
      ASSAY_ANNOUNCE_FILE: join(folder, 'announce.json'),
      ASSAY_CRASH_POINT: join(folder, 'crash'),
      ASSAY_FINALIZE_WAIT: '20s',
      ASSAY_TOKEN: TOKEN,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const ended = once(child, 'exit').then(([code, signal]): Ending => {
    running.delete(child);
    return [code as number | null, signal as NodeJS.Signals | null];
  });
  return { child, output: () => output, ended };
}

async function started(folder: string, spawnOne: () => Spawned): Promise<Reporter> {
  const file = join(folder, 'announce.json');
  await rm(file, { force: true });
  const { child, output, ended } = spawnOne();
  while (!existsSync(file)) {
    if (child.exitCode !== null) throw new Error(`the reporter ended:\n${output()}`);
    await sleep(50);
  }
  const { rpc, ops } = JSON.parse(await readFile(file, 'utf8')) as { rpc: string; ops: string };
  const client = connectRpc(ResultServiceClient, rpc, { token: TOKEN });
  const stop = (): Promise<Ending> => {
    client.close();
    child.kill('SIGTERM');
    return ended;
  };
  return { pid: child.pid, client, rpc, ops, output, ended, stop };
}

function folderBlobs(folder: string): ReturnType<World['blobs']> {
  const store = folderBlob(join(folder, 'blobs'));
  const memory = blobs();
  const refs: BlobRef[] = [];
  return {
    put: (value) => {
      const ref = memory.put(value);
      refs.push(ref);
      return ref;
    },
    written: async () => void (await Promise.all(refs.map(async (ref) => store.put(await memory.get(ref))))),
  };
}

/** A metric without labels. */
export async function metric(reporter: Reporter, name: string): Promise<number> {
  const text = await (await fetch(`http://${reporter.ops}/metrics`)).text();
  return Number(new RegExp(`^assay_reporter_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50);
}

/** What `StreamSamples` gives, parsed. */
export async function lines(
  reporter: Reporter,
  request: { jobId: string; task?: string; failedOnly?: boolean; unscoredOnly?: boolean },
): Promise<Record<string, unknown>[]> {
  const full = { task: '', failedOnly: false, unscoredOnly: false, ...request };
  const found: Record<string, unknown>[] = [];
  for await (const { json } of callStream(reporter.client, 'streamSamples', full, { deadlineMs: 20_000 })) {
    found.push(JSON.parse(json) as Record<string, unknown>);
  }
  return found;
}
