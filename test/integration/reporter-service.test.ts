import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderBlob } from '@assay/lib/blob';
import { connectBus, JOBS, WORKERS, type Bus } from '@assay/lib/bus';
import { systemClock } from '@assay/lib/clock';
import type { BlobRef, JobRecord, Score } from '@assay/lib/domain';
import { createLog } from '@assay/lib/log';
import { call, callStream, connectRpc } from '@assay/lib/rpc';
import { ResultServiceClient, type FinalizeRequest } from '@assay/proto/assay/v1/result';
import { memoryResults } from '../../services/reporter/adapters/memory-results.ts';
import { reportFolder } from '../../services/reporter/adapters/report-folder.ts';
import type { FinalRequest } from '../../services/reporter/ports.ts';
import { finalize } from '../../services/reporter/report/finalize.ts';
import {
  blobs as memoryBlobs,
  finalRequest,
  memoryGenerations,
  row,
  score,
  scored,
  toyTask,
  unscored,
  type ToyTask,
} from '../../services/reporter/testing/builders.ts';
import { startNats, type NatsServer } from '../support/nats.ts';

const MAIN = resolve(import.meta.dirname, '../../services/reporter/main.ts');
const TOKEN = 'secret';
const log = createLog({ service: 'test', level: 'silent' });

let folder: string;
let nats: NatsServer;
let bus: Bus;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-reporter-'));
  await mkdir(join(folder, 'crash'));
  nats = await startNats();
  bus = await connectBus({ url: nats.url, name: 'test', log });
  await bus.ensure('p0', { generationsBytes: 1e9, scoresBytes: 1e9 });
});

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await bus.close();
  await nats.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Reporter {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly client: ResultServiceClient;
  readonly ops: string;
  /** How the process ended. */
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
}

function spawnReporter(): Pick<Reporter, 'child' | 'output' | 'ended'> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ASSAY_NATS_URL: nats.url,
      ASSAY_BLOB_DIR: join(folder, 'blobs'),
      ASSAY_DATABASE_DIR: join(folder, 'database'),
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
  const ended = once(child, 'exit').then(([code, signal]): [number | null, NodeJS.Signals | null] => {
    running.delete(child);
    return [code as number | null, signal as NodeJS.Signals | null];
  });
  return { child, output: () => output, ended };
}

async function startReporter(): Promise<Reporter> {
  const file = join(folder, 'announce.json');
  await rm(file, { force: true });
  const spawned = spawnReporter();
  while (!existsSync(file)) {
    if (spawned.child.exitCode !== null) throw new Error(`the reporter ended:\n${spawned.output()}`);
    await sleep(50);
  }
  const { rpc, ops } = JSON.parse(await readFile(file, 'utf8')) as { rpc: string; ops: string };
  return { ...spawned, client: connectRpc(ResultServiceClient, rpc, { token: TOKEN }), ops };
}

async function stopReporter({ child, client, ended }: Reporter): Promise<readonly [number | null, NodeJS.Signals | null]> {
  client.close();
  child.kill('SIGTERM');
  return ended;
}

const arm = (point: string): Promise<void> => writeFile(join(folder, 'crash', point), '');

async function metric(reporter: Reporter, name: string): Promise<number> {
  const text = await (await fetch(`http://${reporter.ops}/metrics`)).text();
  return Number(new RegExp(`^assay_reporter_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

async function storeAll(scores: readonly Score[]): Promise<void> {
  const ledger = bus.scores('p0');
  for (let at = 0; at < scores.length; at += 500) {
    await Promise.all(scores.slice(at, at + 500).map((entry) => ledger.store(entry)));
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50);
}

async function toyBlobs(): Promise<{ put: (value: unknown) => BlobRef; done: () => Promise<void> }> {
  const store = folderBlob(join(folder, 'blobs'));
  const memory = memoryBlobs();
  const refs: BlobRef[] = [];
  const put = (value: unknown): BlobRef => {
    const ref = memory.put(value);
    refs.push(ref);
    return ref;
  };
  return { put, done: async () => void (await Promise.all(refs.map(async (ref) => store.put(await memory.get(ref))))) };
}

function message(request: FinalRequest): FinalizeRequest {
  return {
    jobId: request.job,
    partition: request.partition,
    epoch: request.epoch,
    plan: request.plan,
    counts: request.counts.map(({ task, samples, scores }) => ({
      task,
      samples: BigInt(samples),
      scores: BigInt(scores),
    })),
    model: request.model,
    serverKind: request.serverKind,
    endpoint: request.endpoint,
    seed: BigInt(request.seed),
    startTime: new Date(request.startMs).toISOString(),
    endTime: new Date(request.endMs).toISOString(),
    provenance: { ...request.provenance },
  };
}

async function reportOf(path: string): Promise<Record<string, string>> {
  const names = (await readdir(path)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(path, name), 'utf8')] as const)),
  );
}

/** What the same scores give in memory, one after another. */
async function expectedReport(
  tasks: readonly ToyTask[],
  request: FinalRequest,
): Promise<Record<string, string>> {
  const results = memoryResults();
  await results.fold(tasks.flatMap(({ scores }) => scores.map((entry) => row(entry))), 1);
  const reports = await reportFolder(join(folder, 'expected'));
  const generations = memoryGenerations(tasks.flatMap((task) => task.generations));
  const blobs = folderBlob(join(folder, 'blobs'));
  await finalize({ results, reports, generations, blobs, clock: systemClock, log, waitMs: 0 }, request);
  return reportOf(join(folder, 'expected', request.job));
}

function jobRecord(job: string, parts: Partial<JobRecord>): JobRecord {
  return {
    v: 1,
    id: job,
    partition: 'p0',
    spec: {
      tenant: 'default',
      requestId: 'r',
      target: { type: 'endpoint', baseUrl: 'http://127.0.0.1:1/v1', model: 'toy-model' },
      tasks: [],
      bundle: `sha256:${'0'.repeat(64)}`,
      seed: 1,
      contentHash: '',
      maxConcurrency: 0,
    },
    state: 'RUNNING',
    reason: '',
    detail: '',
    transitions: [],
    tasks: [],
    reservedBytes: 0,
    scoringEpoch: 0,
    epoch: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    cancelRequested: false,
    purged: false,
    audits: 0,
    ...parts,
  };
}

describe('the reporter', () => {
  it('counts every score once, over kills between commit and acknowledgement', async () => {
    const { put, done } = await toyBlobs();
    const { plan, scores } = toyTask(put, { job: 'exactlyonce', docs: 4_500, shard: 256 });
    await done();
    let killed = 0;
    for (let round = 0; round < 3; round += 1) {
      await storeAll(scores.slice(round * 1_500, (round + 1) * 1_500));
      await arm('reporter.aggregate.committed');
      const { ended } = spawnReporter();
      expect(await ended).toEqual([null, 'SIGKILL']);
      killed += 1;
    }
    expect(killed).toBe(3);
    const reporter = await startReporter();
    const answer = () => call(reporter.client, 'getResult', { jobId: 'exactlyonce' }, { deadlineMs: 5_000 });
    await until(async () => (await answer()).result?.tasks[0]?.scored === 4_500n);
    expect((await answer()).result).toMatchObject({
      final: false,
      tasks: [
        {
          task: plan.task,
          scored: 4_500n,
          unscored: 0n,
          promptTokens: 45_000n,
          metrics: [
            { metric: 'exact_match', filter: 'strict', value: 1 / 3, n: 4_500n },
            { metric: 'exact_match', filter: 'flex', value: 2 / 3, n: 4_500n },
          ],
        },
      ],
    });
    // The batch of the last kill was stored and came again.
    expect(await metric(reporter, 'duplicates_total')).toBeGreaterThan(0);
    expect(await stopReporter(reporter)).toEqual([0, null]);
  });

  it('stores the same report as an undisturbed run, over a kill before Finalize is answered', async () => {
    const { put, done } = await toyBlobs();
    const job = 'finaljob';
    const tasks = [
      toyTask(put, { job, task: 'gen', docs: 300, shard: 64, text: (doc) => (doc === 3 ? 'NUL \0 \u2028 é' : `a ${doc}`) }),
      toyTask(put, {
        job,
        task: 'code',
        docs: 40,
        repeats: 3,
        scoring: {
          per: 'sample',
          pipelines: [{ name: 'none', steps: [] }],
          metrics: [{ metric: 'pass@1', aggregation: 'pass_at_k', higherIsBetter: true, args: { k: 1 } }],
        },
        outcome: (doc, repeat) =>
          doc === 7 ? unscored('SANDBOX_FAULT') : scored({ 'pass,none': (doc + Number(repeat)) % 2 }, { none: 'x\0' }),
      }),
    ];
    const request = finalRequest(put, tasks);
    await done();
    const generations = bus.generations('p0');
    await Promise.all(tasks.flatMap((task) => task.generations.map((entry) => generations.store(entry))));
    await storeAll(tasks.flatMap(({ scores }) => scores.toReversed()));

    const first = await startReporter();
    await arm('reporter.report.stored');
    const lost = call(first.client, 'finalize', message(request), { deadlineMs: 60_000 });
    await expect(lost).rejects.toMatchObject({ permanent: false });
    expect(await first.ended).toEqual([null, 'SIGKILL']);
    first.client.close();
    const stored = await reportOf(join(folder, 'reports', job));

    const second = await startReporter();
    const answer = await call(second.client, 'finalize', message(request), { deadlineMs: 60_000 });
    expect(await reportOf(join(folder, 'reports', job))).toEqual(stored);
    expect(stored).toEqual(await expectedReport(tasks, request));
    expect(answer.files.map(({ name }) => name)).toEqual(Object.keys(stored));

    await storeAll([score({ job, task: 'gen', doc: 9_999 })]);
    await until(async () => (await metric(second, 'late_scores_total')) === 1);
    const { result } = await call(second.client, 'getResult', { jobId: job }, { deadlineMs: 5_000 });
    expect(result).toMatchObject({ final: true, model: 'org/toy-model', reportMarkdown: stored['report.md'] });
    expect(result?.tasks.map(({ task, expected, scored: n, unscored: u }) => [task, expected, n, u])).toEqual([
      ['gen', 300n, 300n, 0n],
      ['code', 120n, 117n, 3n],
    ]);
    expect(await lines(second, { jobId: job, task: 'gen' })).toHaveLength(600);
    expect(await lines(second, { jobId: job, unscoredOnly: true })).toMatchObject([{ doc_id: 7, metrics: [] }]);
    const failed = await lines(second, { jobId: job, task: 'gen', failedOnly: true });
    expect(failed).toHaveLength(300);
    expect(failed.every((line) => line['exact_match'] === 0)).toBe(true);
    await stopReporter(second);
  });

  it('shows a job that runs: its model, what is expected, what is scored, and the samples so far in order', async () => {
    const { put, done } = await toyBlobs();
    const job = 'livejob';
    const { plan, scores, generations } = toyTask(put, { job, docs: 20, shard: 6 });
    const ref = put(plan);
    await done();
    const counts = { task: 'toy', samples: 20, scores: 20 };
    const waiting = { name: 'later', published: 0, counts: { task: 'later', samples: 5, scores: 5 } };
    await bus.kv(JOBS).create(job, jobRecord(job, { tasks: [{ name: 'toy', plan: ref, counts, published: 4 }, waiting] }));
    await Promise.all(generations.map((entry) => bus.generations('p0').store(entry)));
    const reporter = await startReporter();
    const answer = async () => (await call(reporter.client, 'getResult', { jobId: job }, { deadlineMs: 5_000 })).result;
    expect((await answer())?.tasks.map(({ task, expected }) => [task, expected])).toEqual([
      ['toy', 20n],
      ['later', 5n],
    ]);
    await storeAll(scores.filter(({ doc }) => doc >= 10));
    await until(async () => (await answer())?.tasks[0]?.scored === 10n);
    expect(await answer()).toMatchObject({
      final: false,
      model: 'toy-model',
      tasks: [{ task: 'toy', docs: 20n, expected: 20n, coverage: 0.5 }, { task: 'later', scored: 0n }],
    });
    const strict = (await lines(reporter, { jobId: job })).filter((line) => line['filter'] === 'strict');
    expect(strict.map((line) => line['doc_id'])).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect((await call(reporter.client, 'listResults', { pageSize: 1, pageToken: '' }, { deadlineMs: 5_000 })).results).toMatchObject([
      { jobId: job, final: false },
    ]);
    await until(async () => {
      for await (const key of bus.kv(WORKERS).keys()) if (key.startsWith('reporter-')) return true;
      return false;
    });
    expect((await fetch(`http://${reporter.ops}/readyz`)).status).toBe(200);
    await stopReporter(reporter);
  });

  it('names every wrong field, what is not there, and a missing token', async () => {
    const reporter = await startReporter();
    const { client } = reporter;
    const settings = { deadlineMs: 5_000 };
    await expect(call(client, 'getResult', { jobId: '../etc' }, settings)).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: [{ field: 'job_id' }],
    });
    await expect(call(client, 'getResult', { jobId: 'nowhere' }, settings)).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await expect(call(client, 'listResults', { pageSize: 501, pageToken: 'x' }, settings)).rejects.toMatchObject({
      violations: [{ field: 'page_size' }, { field: 'page_token' }],
    });
    await expect(lines(reporter, { jobId: 'nowhere' })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await expect(lines(reporter, { jobId: 'finaljob', failedOnly: true, unscoredOnly: true })).rejects.toMatchObject({
      violations: [{ field: 'failed_only' }, { field: 'unscored_only' }],
    });
    const empty: FinalizeRequest = {
      jobId: '',
      partition: 'p9',
      epoch: -1,
      plan: 'x',
      counts: [],
      model: '',
      serverKind: '',
      endpoint: '',
      seed: 0n,
      startTime: undefined,
      endTime: undefined,
      provenance: {},
    };
    await expect(call(client, 'finalize', empty, settings)).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: ['job_id', 'partition', 'epoch', 'plan', 'counts', 'start_time', 'end_time'].map((field) => ({ field })),
    });
    const stranger = connectRpc(ResultServiceClient, client.getChannel().getTarget().replace('dns:', ''));
    await expect(call(stranger, 'getResult', { jobId: 'finaljob' }, settings)).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
    });
    stranger.close();

    const other = spawnReporter();
    expect(await other.ended).toEqual([1, null]);
    expect(other.output()).toContain(`process ${reporter.child.pid} has it open`);
    expect(await stopReporter(reporter)).toEqual([0, null]);
  });
});

async function lines(
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
