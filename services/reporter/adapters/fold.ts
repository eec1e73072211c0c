import { eq, inArray, sql } from 'drizzle-orm';
import { taskKey, totalsOf } from '../aggregate/totals.ts';
import { rowKey } from '../aggregate/rows.ts';
import type { FoldCounts, ScoreRow, TaskTotals } from '../ports.ts';
import type { Database } from './database.ts';
import { metricSums, runs, tasks, unscoredReasons } from './schema.ts';

// "tasks" in ASCII.
const NEW_TASKS = 0x74_61_73_6b_73;

/**
 * Stores the rows that are new and adds them to the live totals. Must run in a transaction of its own, of which any
 * number may run at once: each locks runs, new tasks, scores and totals in this order, and each kind in an order that is
 * the same for all, so that no two wait for each other in a circle.
 */
export async function foldRows(
  tx: Database,
  rows: readonly ScoreRow[],
  tenants: ReadonlyMap<string, string>,
  now: number,
): Promise<FoldCounts> {
  const unique = [...new Map(rows.toReversed().map((row) => [rowKey(row), row])).values()].reverse();
  const finals = await finalEpochs(tx, [...new Set(unique.map(({ job }) => job))].sort(), tenants, now);
  const open = unique.filter(({ job, epoch }) => epoch > (finals.get(job) ?? -1));
  const late = unique.length - open.length;
  if (open.length === 0) return { stored: 0, late, duplicates: rows.length - late };
  const ids = await taskIds(tx, open);
  const fresh = await insertScores(tx, open, ids);
  for (const totals of totalsOf(fresh).toSorted(byKey)) await addTotals(tx, totals, idOf(ids, totals));
  return { stored: fresh.length, late, duplicates: rows.length - late - fresh.length };
}

/** The jobs' final epochs, -1 for none. They stay so until the transaction ends: `finish` waits for it. */
async function finalEpochs(
  tx: Database,
  jobs: readonly string[],
  tenants: ReadonlyMap<string, string>,
  now: number,
): Promise<Map<string, number>> {
  if (jobs.length === 0) return new Map();
  const known = await lockRuns(tx, jobs);
  const missing = jobs.filter((job) => !known.has(job));
  if (missing.length === 0) return known;
  await tx
    .insert(runs)
    .values(missing.map((job) => ({ job, tenant: tenants.get(job) ?? '', createdAt: now })))
    .onConflictDoNothing();
  return lockRuns(tx, jobs);
}

async function lockRuns(tx: Database, jobs: readonly string[]): Promise<Map<string, number>> {
  const found = await tx
    .select({ job: runs.job, epoch: runs.finalEpoch })
    .from(runs)
    .where(inArray(runs.job, [...jobs]))
    .for('share');
  return new Map(found.map(({ job, epoch }) => [job, epoch ?? -1]));
}

async function taskIds(tx: Database, rows: readonly ScoreRow[]): Promise<Map<string, number>> {
  const wanted = new Map(rows.map((row) => [taskKey(row), row]));
  const jobs = [...new Set(rows.map(({ job }) => job))];
  const known = await readIds(tx, jobs);
  const missing = [...wanted].filter(([key]) => !known.has(key)).map(([, row]) => row);
  if (missing.length === 0) return known;
  // They keep the order of their appearance, so one transaction at a time makes new ones.
  await tx.execute(sql`select pg_advisory_xact_lock(${NEW_TASKS})`);
  await tx
    .insert(tasks)
    .values(missing.map(({ job, epoch, task, docs }) => ({ job, epoch, task, docs })))
    .onConflictDoNothing();
  return readIds(tx, jobs);
}

async function readIds(tx: Database, jobs: readonly string[]): Promise<Map<string, number>> {
  const found = await tx
    .select({ id: tasks.id, job: tasks.job, epoch: tasks.epoch, task: tasks.task })
    .from(tasks)
    .where(inArray(tasks.job, [...jobs]));
  return new Map(found.map((row) => [taskKey(row), row.id]));
}

/** Inserts in one statement, whatever the number; gives the rows that were not there. */
async function insertScores(
  tx: Database,
  rows: readonly ScoreRow[],
  ids: ReadonlyMap<string, number>,
): Promise<readonly ScoreRow[]> {
  const records = rows.map((row) => record(row, idOf(ids, row))).sort(byPlace);
  const inserted = await tx.execute<{ task_id: number; doc: number; repeat: number }>(sql`
    insert into scores
    select r.task_id, r.doc, r.repeat, r.metrics, r.fault, r.outcome, decode(r.requests, 'hex'), decode(r.docs, 'hex'),
      r.shard_index, r.prompt_tokens, r.completion_tokens, r.truncated_tokens
    from jsonb_to_recordset(${JSON.stringify(records)}::jsonb) as r(
      task_id bigint, doc integer, repeat integer, metrics jsonb, fault text, outcome text, requests text, docs text,
      shard_index integer, prompt_tokens integer, completion_tokens integer, truncated_tokens integer)
    on conflict do nothing
    returning task_id, doc, repeat`);
  const fresh = new Set(inserted.rows.map((row) => `${row.task_id} ${row.doc} ${row.repeat}`));
  return rows.filter((row) => fresh.has(`${idOf(ids, row)} ${row.doc} ${row.repeat}`));
}

function record(row: ScoreRow, id: number) {
  return {
    task_id: id,
    doc: row.doc,
    repeat: row.repeat,
    metrics: row.metrics,
    fault: row.fault === undefined ? null : JSON.stringify(row.fault),
    outcome: JSON.stringify(row.outcome),
    requests: row.requests.slice('sha256:'.length),
    docs: row.docs.slice('sha256:'.length),
    shard_index: row.index,
    prompt_tokens: row.promptTokens,
    completion_tokens: row.completionTokens,
    truncated_tokens: row.truncatedTokens,
  };
}

async function addTotals(tx: Database, totals: TaskTotals, taskId: number): Promise<void> {
  await tx
    .update(tasks)
    .set({
      scored: sql`${tasks.scored} + ${totals.scored}`,
      unscored: sql`${tasks.unscored} + ${totals.unscored}`,
      promptTokens: sql`${tasks.promptTokens} + ${totals.promptTokens}`,
      completionTokens: sql`${tasks.completionTokens} + ${totals.completionTokens}`,
      truncatedPrompts: sql`${tasks.truncatedPrompts} + ${totals.truncatedPrompts}`,
    })
    .where(eq(tasks.id, taskId));
  const sums = Object.entries(totals.metrics).map(([key, value]) => ({ taskId, key, ...value }));
  if (sums.length > 0) {
    await tx
      .insert(metricSums)
      .values(sums)
      .onConflictDoUpdate({
        target: [metricSums.taskId, metricSums.key],
        set: {
          n: sql`${metricSums.n} + excluded.n`,
          sum: sql`${metricSums.sum} + excluded.sum`,
          sumSquares: sql`${metricSums.sumSquares} + excluded.sum_squares`,
        },
      });
  }
  const reasons = Object.entries(totals.reasons).map(([reason, count]) => ({ taskId, reason, count }));
  if (reasons.length > 0) {
    await tx
      .insert(unscoredReasons)
      .values(reasons)
      .onConflictDoUpdate({
        target: [unscoredReasons.taskId, unscoredReasons.reason],
        set: { count: sql`${unscoredReasons.count} + excluded.count` },
      });
  }
}

function idOf(ids: ReadonlyMap<string, number>, task: { job: string; epoch: number; task: string }): number {
  const id = ids.get(taskKey(task));
  if (id === undefined) throw new Error(`task ${task.task} of job ${task.job} has no row`);
  return id;
}

interface Place {
  readonly task_id: number;
  readonly doc: number;
  readonly repeat: number;
}

function byPlace(a: Place, b: Place): number {
  return a.task_id - b.task_id || a.doc - b.doc || a.repeat - b.repeat;
}

function byKey(a: TaskTotals, b: TaskTotals): number {
  return taskKey(a) < taskKey(b) ? -1 : 1;
}
