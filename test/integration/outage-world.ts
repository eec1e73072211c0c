import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { callStream } from '@assay/lib/rpc';
import { JobState, type Job, type SubmitJobRequest } from '@assay/proto/assay/v1/job';
import { storedGenerations } from '../support/ledger-times.ts';
import { mixedTasks, type Mixed } from '../support/mixed-tasks.ts';
import { uploadFiles, type Stack } from '../support/stack.ts';

export const ANSWERS = path.join(import.meta.dirname, '../support/fault-answers.ts');

/** Every kind of task, few enough documents that a run takes seconds. */
export const mixed = mixedTasks({ generate: 60, choices: 30, code: 10, repeated: 10 });

/** What a job found: for each task its documents, and for each the values of its metrics. */
export type Rows = ReadonlyMap<string, ReadonlyMap<number, Row>>;
export interface Row {
  readonly metrics: Readonly<Record<string, number>>;
  /** Reasons for which it has no score. */
  readonly unscored: readonly string[];
}

export function endpoint(baseUrl: string): SubmitJobRequest['target'] {
  return { $case: 'endpoint', value: { baseUrl, model: 'scripted', apiKey: '' } };
}

/** Submits all tasks, or those that are named. */
export async function submitMixed(
  stack: Stack,
  requestId: string,
  target: SubmitJobRequest['target'],
  { files, tasks }: Pick<Mixed, 'files' | 'tasks'> = mixed,
): Promise<string> {
  const bundle = await uploadFiles(stack, files);
  const selected = tasks.map((name) => ({ name, genKwargsJson: '' }));
  return (await stack.submit({ requestId, target, bundle, tasks: selected })).id;
}

/** The job SUCCEEDED, and its audit found every score once. */
export async function succeeded(stack: Stack, id: string, timeoutMs: number, of = mixed): Promise<Job> {
  const job = await stack.finished(id, timeoutMs);
  const why = `${job.reason}: ${job.detail}\n${(await stack.logs('scheduler')).slice(-3_000)}`;
  expect(job.state, why).toBe(JobState.SUCCEEDED);
  expect(job.detail).toContain(`all ${String(of.scores)} scores once`);
  return job;
}

/** The ledger holds every generation of the job once. */
export async function storedOnce(stack: Stack, id: string, of = mixed): Promise<void> {
  const stored = (await storedOf(stack, id)).map(({ subject }) => subject);
  expect(stored).toHaveLength(of.samples);
  expect(new Set(stored).size).toBe(of.samples);
}

/** The job's generations as they lie in the ledger. */
export async function storedOf(stack: Stack, id: string) {
  const ports = JSON.parse(await readFile(stack.layout.portsFile, 'utf8')) as { readonly nats: number };
  const token = await readFile(stack.layout.tokenFile, 'utf8');
  return storedGenerations(`nats://127.0.0.1:${String(ports.nats)}`, token, id);
}

/** What the reporter tells of every document, its lines of all filters together. */
export async function rowsOf(stack: Stack, jobId: string): Promise<Rows> {
  const ask = { jobId, task: '', failedOnly: false, unscoredOnly: false };
  const rows = new Map<string, Map<number, Row>>();
  for await (const { task, json } of callStream(stack.results, 'streamSamples', ask, {
    deadlineMs: 60_000,
  })) {
    const line = JSON.parse(json) as Line;
    const docs = rows.get(task) ?? new Map<number, Row>();
    rows.set(task, docs);
    expect(docs.has(line.doc_id), `${task} ${String(line.doc_id)} is there once`).toBe(false);
    const metrics = Object.fromEntries(line.metrics.map((name) => [name, Number(line[name])]));
    docs.set(line.doc_id, { metrics, unscored: line.assay.unscored.map(({ reason }) => reason) });
  }
  return rows;
}

interface Line extends Readonly<Record<string, unknown>> {
  readonly doc_id: number;
  readonly metrics: readonly string[];
  readonly assay: { readonly unscored: readonly { readonly reason: string }[] };
}

/**
 * The job's result is that of an undisturbed run without the documents of `faults`, which are unscored for their
 * reason: the others score what they scored before, and the means are over them alone.
 */
export async function expectResult(
  stack: Stack,
  id: string,
  undisturbed: Rows,
  faults: Readonly<Record<string, Readonly<Record<number, string>>>> = {},
): Promise<void> {
  const rows = await rowsOf(stack, id);
  const { tasks, final } = await stack.result(id);
  expect(final).toBe(true);
  expect(tasks.map(({ task }) => task).sort()).toEqual([...undisturbed.keys()].sort());
  for (const result of tasks) {
    const before = undisturbed.get(result.task) ?? new Map<number, Row>();
    const lost = faults[result.task] ?? {};
    const found = rows.get(result.task) ?? new Map<number, Row>();
    expect([...found.keys()]).toEqual([...before.keys()]);
    for (const [doc, row] of found) {
      const reason = lost[doc];
      if (reason === undefined) expect(row, `${result.task} ${String(doc)}`).toEqual(before.get(doc));
      else
        expect([row.metrics, new Set(row.unscored)], `${result.task} ${String(doc)}`).toEqual([
          {},
          new Set([reason]),
        ]);
    }
    const kept = [...before].filter(([doc]) => lost[doc] === undefined).map(([, row]) => row.metrics);
    expect(result.coverage).toBeCloseTo(kept.length / before.size, 12);
    const reasons = result.unscoredReasons.map(({ reason }) => reason);
    expect(new Set(reasons)).toEqual(new Set(Object.values(lost)));
    for (const { metric, value, n } of result.metrics) {
      expect(n, metric).toBe(BigInt(kept.length));
      expect(value, metric).toBeCloseTo(
        kept.reduce((sum, row) => sum + (row[metric] ?? Number.NaN), 0) / kept.length,
        9,
      );
    }
  }
}

/** Waits for something to become true; says what when it does not. */
export async function until(what: string, limitMs: number, check: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await check().catch(() => false))) {
    if (Date.now() > end) throw new Error(`not in ${String(limitMs)} ms: ${what}`);
    await sleep(50);
  }
}

/** Generations that the scheduler has counted so far. */
export async function generated(stack: Stack, id: string): Promise<number> {
  return (await stack.job(id)).tasks.reduce((sum, task) => sum + Number(task.generated), 0);
}

/** Waits until the job is in the middle of generating. */
export function midway(stack: Stack, id: string, least: number): Promise<void> {
  return until(
    `job ${id} has ${String(least)} generations`,
    90_000,
    async () => (await generated(stack, id)) >= least,
  );
}

export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Stops a service where it stands, with whatever it has in hand, or lets it go on. */
export function signal(stack: Stack, name: string, what: 'SIGSTOP' | 'SIGCONT'): void {
  const pid = stack.supervisor.children.get(name)?.pid();
  if (pid === undefined || pid === null) throw new Error(`${name} does not run`);
  process.kill(pid, what);
}
