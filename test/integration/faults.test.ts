import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderBlob } from '@assay/lib/blob';
import type { PreparedRequest, ShardRequests } from '@assay/lib/domain';
import { JobState } from '@assay/proto/assay/v1/job';
import { storedGenerations } from '../support/ledger-times.ts';
import { mixedTasks } from '../support/mixed-tasks.ts';
import {
  promptKey,
  startModelServer,
  type ModelServer,
  type RequestCounts,
} from '../support/model-server.ts';
import { seeded } from '../support/random.ts';
import { withoutTimes } from '../support/report-text.ts';
import { fileRows, repeatsIn, streamedRows } from '../support/sample-rows.ts';
import { startStack, uploadFiles, type Stack } from '../support/stack.ts';

const SEED = Number(process.env['ASSAY_FAULT_SEED'] ?? 20_261);
const PROCESSES = ['scheduler', 'runner', 'sandbox', 'reporter', 'nats'] as const;
const BUSY: readonly string[] = [JobState.RUNNING, JobState.SCORING];
const KILLS_EACH = 5;
const JOB_SEED = 1_234;
/** Generations and scores between two kills. */
const STEP = 60;
const PATIENCE_MS = 6_000;
const CRASH_POINTS = [
  'runner.prepare.stored',
  'runner.generation.stored',
  'sandbox.score.stored',
  'sandbox.execute.stored',
  'reporter.aggregate.committed',
  'reporter.report.stored',
  'scheduler.window.recorded',
  'scheduler.reported',
  ...['PREPARING', 'QUEUED', 'STARTING', 'RUNNING', 'SCORING', 'AUDITING', 'SUCCEEDED'].map(
    (state) => `scheduler.edge.${state}`,
  ),
];
const mixed = mixedTasks({ generate: 900, choices: 400, code: 150, repeated: 150 });

interface Run {
  readonly report: ReadonlyMap<string, string>;
  readonly counts: RequestCounts;
  readonly detail: string;
  readonly repeatedAfterStored: number;
  readonly stored: number;
  /** Lines of the samples files, and of what the reporter streams from its database. */
  readonly rows: number;
  /** Rows of one document and filter beyond the first. */
  readonly duplicates: number;
}

let crashes = '';
let server: ModelServer;
beforeAll(async () => {
  crashes = await mkdtemp(path.join(tmpdir(), 'assay-crashes-'));
  server = await startModelServer({
    ownProcess: true,
    scriptModule: path.join(import.meta.dirname, '../support/fault-answers.ts'),
    behaviour: { delayMs: 250, limit: 24 },
  });
});
afterAll(async () => {
  await server.stop();
  await rm(crashes, { recursive: true, force: true });
});

describe('a job over 2,000 samples', () => {
  it(
    'gives the same bytes, asks for nothing twice and loses nothing, whatever is killed',
    { timeout: 900_000 },
    async () => {
      const undisturbed = await evaluate(async () => undefined);
      await server.resetCounts();
      for (const point of CRASH_POINTS) await writeFile(path.join(crashes, point), '');
      const kills = new Map<string, number>();
      const disturbed = await evaluate((stack, id, over) => disturb(stack, id, over, kills));
      const reached = CRASH_POINTS.filter((point) => kills.has(point));
      console.log(
        `fault test: seed ${SEED}; ${[...kills].map(([name, n]) => `${name} ×${n}`).join(', ')}; ${mixed.samples} samples, ` +
          `${disturbed.counts.total} requests at the server (${undisturbed.counts.total} undisturbed), duplicates ${disturbed.duplicates}, ` +
          `missing ${mixed.samples - disturbed.stored}, repeated after being stored ${disturbed.repeatedAfterStored}`,
      );
      expect(mixed.samples).toBeGreaterThanOrEqual(2_000);
      expect(disturbed.stored).toBe(mixed.samples);
      expect(disturbed.duplicates).toBe(0);
      expect(disturbed.rows).toBeGreaterThan(mixed.scores);
      expect(disturbed.rows).toBe(undisturbed.rows);
      expect(disturbed.repeatedAfterStored).toBe(0);
      expect(disturbed.detail).toContain(`all ${mixed.scores} scores once`);
      for (const name of PROCESSES)
        expect(kills.get(name), `kills of ${name}`).toBeGreaterThanOrEqual(KILLS_EACH);
      expect(reached).toEqual(CRASH_POINTS);
      expect([...disturbed.report.keys()]).toEqual([...undisturbed.report.keys()]);
      for (const [name, text] of disturbed.report) expect(text, name).toBe(undisturbed.report.get(name));
    },
  );
});

/** One evaluation in a stack of its own; what the run may differ in is taken out of the report. */
async function evaluate(
  meanwhile: (stack: Stack, id: string, over: AbortSignal) => Promise<void>,
): Promise<Run> {
  const armed = { ASSAY_CRASH_POINT: crashes };
  const stack = await startStack({
    extra: {
      scheduler: { ...armed, ASSAY_WINDOW_SHARDS: '6', ASSAY_SCORE_STALL: '3s' },
      runner: armed,
      sandbox: armed,
      reporter: armed,
    },
  });
  try {
    const bundle = await uploadFiles(stack, mixed.files);
    const { id } = await stack.submit({
      requestId: 'faults',
      target: { $case: 'endpoint', value: { baseUrl: server.url, model: 'scripted', apiKey: '' } },
      tasks: mixed.tasks.map((name) => ({ name, genKwargsJson: '' })),
      bundle,
    });
    const over = new AbortController();
    const disturbing = meanwhile(stack, id, over.signal);
    const telling = tell(stack, id, over.signal);
    const job = await stack.finished(id, 600_000).finally(() => over.abort());
    await Promise.all([disturbing, telling]);
    expect(job.state, `${job.reason}: ${job.detail}\n${(await stack.logs('scheduler')).slice(-3_000)}`).toBe(
      JobState.SUCCEEDED,
    );
    const report = await readReport(path.join(stack.layout.reports, id));
    const counts = await server.requests();
    const stored = await storedGenerations(
      `nats://127.0.0.1:${await natsPort(stack)}`,
      await readFile(stack.layout.tokenFile, 'utf8'),
      id,
    );
    const late = await repeatedAfterStored(stack, stored, counts);
    const [files, streamed] = [fileRows(report), await streamedRows(stack, id)];
    return {
      report,
      counts,
      detail: job.detail,
      stored: stored.length,
      rows: files.length + streamed.length,
      duplicates: repeatsIn(files) + repeatsIn(streamed),
      repeatedAfterStored: late,
    };
  } finally {
    await stack.stop();
  }
}

/** Waits until the job has got a little further since the last kill, or has had its chance to. */
async function moved(stack: Stack, id: string, over: AbortSignal): Promise<void> {
  const amount = async () => {
    const job = await stack.job(id).catch(() => null);
    return job === null
      ? null
      : Number(job.tasks.reduce((sum, task) => sum + task.generated + task.scored, 0n));
  };
  const until = Date.now() + PATIENCE_MS;
  let first: number | null = null;
  while (!over.aborted && Date.now() < until) {
    const now = await amount();
    first ??= now;
    if (now !== null && first !== null && now - first >= STEP) return;
    await sleep(100, undefined, { signal: over }).catch(() => undefined);
  }
}

/** One line every ten seconds, so that a long run can be followed. */
async function tell(stack: Stack, id: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await sleep(10_000, undefined, { signal: over }).catch(() => undefined);
    const job = await stack.job(id).catch(() => null);
    const restarts = PROCESSES.map(
      (name) => `${name} ${stack.supervisor.children.get(name)?.restarts() ?? 0}`,
    ).join(', ');
    const done = job?.tasks
      .map((task) => `${task.generated}/${task.samples} ${task.scored}/${task.scores}`)
      .join(' | ');
    console.log(`${job?.state ?? 'away'} ${job?.detail ?? ''} [${done ?? ''}] restarts: ${restarts}`);
  }
}

/** Kills processes at random moments, and arms every crash point in turn, until each has had its share. */
async function disturb(
  stack: Stack,
  id: string,
  over: AbortSignal,
  kills: Map<string, number>,
): Promise<void> {
  const random = seeded(SEED);
  const points = [...CRASH_POINTS];
  // The edges before RUNNING have their own crashes; the random kills are for the time when there is work in hand.
  while (!over.aborted && !BUSY.includes((await stack.job(id).catch(() => null))?.state ?? ''))
    await sleep(200);
  while (!over.aborted) {
    await moved(stack, id, over);
    await sleep(random() * 500, undefined, { signal: over }).catch(() => undefined);
    for (const point of points.filter((candidate) => !kills.has(candidate))) {
      const left = await readdir(crashes);
      if (!left.includes(point)) kills.set(point, 1);
    }
    const fewest = Math.min(...PROCESSES.map((name) => kills.get(name) ?? 0));
    const due = PROCESSES.filter((name) => (kills.get(name) ?? 0) <= fewest);
    const name = due[Math.floor(random() * due.length)];
    if (over.aborted || name === undefined || fewest >= KILLS_EACH) continue;
    if (stack.kill(name)) kills.set(name, (kills.get(name) ?? 0) + 1);
  }
  for (const point of points) if (!(await readdir(crashes)).includes(point)) kills.set(point, 1);
  await rm(crashes, { recursive: true, force: true });
  await mkdir(crashes, { recursive: true });
}

/** Requests that came after the generation they ask for was stored. */
async function repeatedAfterStored(
  stack: Stack,
  stored: Awaited<ReturnType<typeof storedGenerations>>,
  counts: RequestCounts,
): Promise<number> {
  const blob = folderBlob(stack.layout.blobs);
  const shards = new Map<string, ShardRequests>();
  let repeated = 0;
  for (const { generation, storedAtMs } of stored) {
    if (!shards.has(generation.requests))
      shards.set(
        generation.requests,
        JSON.parse(Buffer.from(await blob.get(generation.requests)).toString('utf8')) as ShardRequests,
      );
    const request = shards.get(generation.requests)?.requests[generation.index]?.request;
    if (request === undefined) throw new Error(`no request of ${generation.task} ${generation.doc}`);
    for (const key of keysOf(request, generation.repeat)) {
      const count = counts.prompts[key];
      if (count === undefined)
        throw new Error(`the server never saw ${generation.task} ${generation.doc}/${generation.repeat}`);
      if (count.lastAskedAt > storedAtMs + 5) repeated += 1;
    }
  }
  return repeated;
}

/** What the server counts a sample's requests under: the prompt and the seed, which repeats with a temperature differ in. */
function keysOf(request: PreparedRequest, repeat: number): string[] {
  if (request.type === 'choices') {
    return request.pairs.map(({ context, continuation }) =>
      promptKey(`${request.contexts[context] ?? ''}${continuation}`, JOB_SEED),
    );
  }
  const prompt = typeof request.prompt === 'string' ? request.prompt : JSON.stringify(request.prompt);
  return [promptKey(prompt, request.settings.temperature > 0 ? JOB_SEED + repeat : JOB_SEED)];
}

/** The report's files without the fields that may differ: dates, durations, hosts. */
async function readReport(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of (await readdir(folder)).sort()) {
    const text = await readFile(path.join(folder, name), 'utf8');
    files.set(
      name.replace(/_\d{4}-\d\d-\d\dT[\d.:-]+(?=\.)/, ''),
      name === 'report.md' ? withoutTimes(text).replaceAll(MAY_DIFFER_LINES, '') : withoutTimes(text),
    );
  }
  return files;
}

/** In the Markdown report: the duration, and how long the results file is, which holds dates and durations. */
const MAY_DIFFER_LINES = /^.*\b(duration|restarts|from start to end)\b.*$|^\| results_.*$/gim;

async function natsPort(stack: Stack): Promise<number> {
  const ports = JSON.parse(await readFile(stack.layout.portsFile, 'utf8')) as { readonly nats: number };
  return ports.nats;
}
