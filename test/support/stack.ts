import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { layoutOf, type Layout } from '@assay/cli/local/layout';
import type { ServiceSettings } from '@assay/cli/local/services';
import { opsAddress, supervise, type BallastSizes, type Supervisor } from '@assay/cli/local/supervisor';
import { systemClock } from '@assay/lib/clock';
import { createLog } from '@assay/lib/log';
import { call, clientStreamCall, connectRpc } from '@assay/lib/rpc';
import { CatalogServiceClient } from '@assay/proto/assay/v1/catalog';
import { JobServiceClient, JobState, type Job, type SubmitJobRequest } from '@assay/proto/assay/v1/job';
import { ResultServiceClient, type Result } from '@assay/proto/assay/v1/result';
import { natsServer } from './nats.ts';

export const HOME = path.join(import.meta.dirname, '../..');

export interface StackOptions {
  readonly extra?: ServiceSettings['extra'];
  readonly catalog?: string;
  readonly level?: string;
  readonly ballast?: BallastSizes;
  /** One that runs already; by default a broker is started with the rest. */
  readonly broker?: { readonly url: string; readonly token: string | undefined };
  /** Called before anything starts, such as to mount a small disk; what it gives takes that back at the end. */
  readonly before?: (layout: Layout) => Promise<() => Promise<void>>;
}

/** The whole of Assay on this machine, in a folder of its own: real broker, real services, real database. */
export interface Stack {
  readonly layout: Layout;
  readonly jobs: JobServiceClient;
  readonly catalog: CatalogServiceClient;
  readonly results: ResultServiceClient;
  readonly supervisor: Supervisor;
  /** SIGKILLs a process by its name; the supervisor starts it again. */
  kill(name: string): boolean;
  submit(request: Partial<SubmitJobRequest>): Promise<Job>;
  job(id: string): Promise<Job>;
  /** Waits for a terminal state, over restarts of whatever dies meanwhile. */
  finished(id: string, timeoutMs: number): Promise<Job>;
  result(id: string): Promise<Result>;
  metrics(name: 'scheduler' | 'runner' | 'sandbox' | 'reporter'): Promise<string>;
  logs(name: string): Promise<string>;
  stop(): Promise<void>;
}

const CHUNK_BYTES = 1024 * 1024;
const OVER: readonly JobState[] = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED];

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const root = await mkdtemp(path.join(tmpdir(), 'assay-stack-'));
  const layout = layoutOf(root);
  const undo = await options.before?.(layout);
  const stop = new AbortController();
  const supervisor = await supervise(
    {
      layout,
      home: HOME,
      node: process.execPath,
      pid: process.pid,
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' },
      catalog: options.catalog ?? path.join(HOME, 'catalog'),
      broker: options.broker ?? null,
      natsServer: await natsServer(),
      extra: options.extra ?? {},
      ...(options.ballast !== undefined && { ballast: options.ballast }),
      clock: systemClock,
      log: createLog({ service: 'stack', level: options.level ?? 'fatal' }),
    },
    stop.signal,
  );
  const end = async () => {
    stop.abort();
    await supervisor.done;
    await undo?.();
    await rm(root, { recursive: true, force: true });
  };
  try {
    await supervisor.ready;
  } catch (error) {
    const tails = await Promise.all(
      ['scheduler', 'runner', 'sandbox', 'reporter'].map(
        async (name) => `${name}: ${(await logOf(layout, name)).slice(-1_500)}`,
      ),
    );
    await end();
    throw new Error(`the stack did not start: ${String(error)}\n${tails.join('\n')}`, { cause: error });
  }
  return stackOf(layout, supervisor, end);
}

async function stackOf(layout: Layout, supervisor: Supervisor, end: () => Promise<void>): Promise<Stack> {
  const client = JSON.parse(await readFile(layout.clientFile, 'utf8')) as {
    scheduler: string;
    reporter: string;
    token: string;
  };
  const { token } = client;
  const jobs = connectRpc(JobServiceClient, client.scheduler, { token });
  const catalog = connectRpc(CatalogServiceClient, client.scheduler, { token });
  const results = connectRpc(ResultServiceClient, client.reporter, { token });
  const job = async (id: string): Promise<Job> => {
    const { job: found } = await call(jobs, 'getJob', { jobId: id }, { deadlineMs: 5_000 });
    if (found === undefined) throw new Error(`no job ${id}`);
    return found;
  };
  return {
    layout,
    jobs,
    catalog,
    results,
    supervisor,
    job,
    kill(name) {
      const child = supervisor.children.get(name);
      if (child?.pid() === null || child === undefined) return false;
      child.kill();
      return true;
    },
    async submit(request) {
      const whole: SubmitJobRequest = {
        requestId: 'r',
        target: undefined,
        tasks: [],
        bundle: '',
        seed: undefined,
        validateOnly: false,
        maxConcurrency: 0,
        ...request,
      };
      const answer = await call(jobs, 'submitJob', whole, { deadlineMs: 30_000 });
      if (answer.job === undefined) throw new Error('no job in the answer');
      return answer.job;
    },
    async finished(id, timeoutMs) {
      const until = Date.now() + timeoutMs;
      for (;;) {
        const now = await job(id).catch(() => null);
        if (now !== null && OVER.includes(now.state)) return now;
        if (Date.now() > until)
          throw new Error(
            `job ${id} is ${now?.state ?? 'unknown'} (${now?.reason}: ${now?.detail}) after ${timeoutMs} ms`,
          );
        await sleep(100);
      }
    },
    async result(id) {
      const { result } = await call(results, 'getResult', { jobId: id }, { deadlineMs: 10_000 });
      if (result === undefined) throw new Error(`no result of ${id}`);
      return result;
    },
    async metrics(name) {
      const address = await opsAddress(layout, name);
      return (await fetch(`http://${address ?? ''}/metrics`)).text();
    },
    logs: (name) => logOf(layout, name),
    async stop() {
      for (const client_ of [jobs, catalog, results]) client_.close();
      await end();
    },
  };
}

function logOf(layout: Layout, name: string): Promise<string> {
  return readFile(path.join(layout.logs, `${name}.log`), 'utf8').catch(() => '');
}

/** Uploads task files as a bundle, as `assay submit --tasks-dir` does. */
export async function uploadFiles(stack: Stack, files: Readonly<Record<string, string>>): Promise<string> {
  const { stream, answer } = clientStreamCall(stack.catalog, 'uploadBundle', { deadlineMs: 60_000 });
  for (const [name, text] of Object.entries(files)) {
    const bytes = Buffer.from(text);
    for (let at = 0; at === 0 || at < bytes.length; at += CHUNK_BYTES) {
      stream.write({ path: at === 0 ? name : '', chunk: bytes.subarray(at, at + CHUNK_BYTES) });
    }
  }
  stream.end();
  return (await answer).bundle;
}
