import { and, desc, eq, inArray, max, sql, type SQL } from 'drizzle-orm';
import type { BlobRef } from '@assay/lib/domain';
import type {
  FinalResult,
  PassCount,
  ReportFile,
  Results,
  Run,
  RunCursor,
  RunPage,
  ScoreRow,
  TaskKey,
  TaskResult,
  TaskTotals,
  TenantOf,
} from '../ports.ts';
import { databaseError } from './database-error.ts';
import type { Database, OpenDatabase } from './database.ts';
import { foldRows } from './fold.ts';
import { metricSums, runs, tasks, unscoredReasons } from './schema.ts';

/** Results in a PostgreSQL, embedded or a server. `tenantOf` is asked when a job is first heard of. */
export function databaseResults(open: OpenDatabase, tenantOf: TenantOf): Results {
  const { db } = open;
  return {
    async fold(rows, now) {
      const jobs = [...new Set(rows.map(({ job }) => job))];
      const tenants = new Map(
        await Promise.all(jobs.map(async (job) => [job, await tenantOf(job)] as const)),
      );
      return guard(() => open.transaction((tx) => foldRows(tx, rows, tenants, now)));
    },
    totals: (job, epoch) => guard(() => readTotals(db, job, epoch)),
    passCounts: (task, metricKey) => guard(() => readPassCounts(db, task, metricKey)),
    rows: (task, from, to) => guard(() => readRows(db, task, sql`s.doc >= ${from} and s.doc < ${to}`)),
    rowsOf: (task, docs) =>
      guard(() => readRows(db, task, sql`s.doc = any(${`{${docs.join(',')}}`}::integer[])`)),
    async finish(result, now) {
      const tenant = await tenantOf(result.job);
      await guard(() => finish(db, result, tenant, now));
    },
    run: (job) => guard(() => readRun(db, job)),
    runs: (tenant, limit, after) => guard(() => readPage(db, tenant, limit, after)),
    size: () => guard(() => readSize(db)),
    check: async () => void (await guard(() => db.execute(sql`select 1`))),
    close: () => open.close(),
  };
}

async function guard<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    throw databaseError(error);
  }
}

async function readTotals(db: Database, job: string, epoch?: number): Promise<readonly TaskTotals[]> {
  const latest = db
    .select({ epoch: max(tasks.epoch) })
    .from(tasks)
    .where(eq(tasks.job, job));
  const found = await db
    .select()
    .from(tasks)
    .where(and(eq(tasks.job, job), eq(tasks.epoch, epoch ?? sql`(${latest})`)))
    .orderBy(tasks.id);
  if (found.length === 0) return [];
  const ids = found.map(({ id }) => id);
  const sums = await db.select().from(metricSums).where(inArray(metricSums.taskId, ids));
  const reasons = await db
    .select()
    .from(unscoredReasons)
    .where(inArray(unscoredReasons.taskId, ids))
    .orderBy(unscoredReasons.reason);
  return found.map(({ id, docs, ...totals }) => ({
    ...totals,
    docs: docs as BlobRef,
    metrics: Object.fromEntries(
      sums
        .filter(({ taskId }) => taskId === id)
        .map(({ key, n, sum, sumSquares }) => [key, { n, sum, sumSquares }]),
    ),
    reasons: Object.fromEntries(
      reasons.filter(({ taskId }) => taskId === id).map(({ reason, count }) => [reason, count]),
    ),
  }));
}

async function readPassCounts(db: Database, task: TaskKey, key: string): Promise<readonly PassCount[]> {
  const { rows } = await db.execute<{ n: number; passed: number; docs: number }>(sql`
    select n, passed, count(*)::integer as docs from (
      select count(*)::integer as n, (count(*) filter (where (s.metrics ->> ${key})::float8 > 0))::integer as passed
      from scores s where s.task_id = ${taskId(task)} and s.fault is null and s.metrics ? ${key}
      group by s.doc) as by_doc
    group by n, passed order by n, passed`);
  return rows;
}

interface StoredScore extends Record<string, unknown> {
  doc: number;
  repeat: number;
  metrics: Record<string, number>;
  fault: string | null;
  outcome: string;
  requests: string;
  docs: string;
  shard_index: number;
  prompt_tokens: number;
  completion_tokens: number;
  truncated_tokens: number;
}

async function readRows(db: Database, task: TaskKey, which: SQL): Promise<readonly ScoreRow[]> {
  const { rows } = await db.execute<StoredScore>(sql`
    select s.doc, s.repeat, s.metrics, s.fault, s.outcome, encode(s.requests, 'hex') as requests,
      encode(s.docs, 'hex') as docs, s.shard_index, s.prompt_tokens, s.completion_tokens, s.truncated_tokens
    from scores s where s.task_id = ${taskId(task)} and ${which} order by s.doc, s.repeat`);
  return rows.map((row) => ({
    job: task.job,
    epoch: task.epoch,
    task: task.task,
    doc: row.doc,
    repeat: row.repeat,
    metrics: row.metrics,
    ...(row.fault !== null && { fault: JSON.parse(row.fault) as { reason: string; detail: string } }),
    outcome: JSON.parse(row.outcome) as ScoreRow['outcome'],
    requests: `sha256:${row.requests}`,
    docs: `sha256:${row.docs}`,
    index: row.shard_index,
    promptTokens: row.prompt_tokens,
    completionTokens: row.completion_tokens,
    truncatedTokens: row.truncated_tokens,
  }));
}

function taskId({ job, epoch, task }: TaskKey): SQL {
  return sql`(select id from tasks where job = ${job} and epoch = ${epoch} and task = ${task})`;
}

async function finish(db: Database, result: FinalResult, tenant: string, now: number): Promise<void> {
  const final = {
    finalEpoch: result.epoch,
    model: result.model,
    tasks: JSON.stringify(result.tasks),
    files: JSON.stringify(result.files),
    resultsJson: result.resultsJson,
    markdown: result.markdown,
  };
  await db
    .insert(runs)
    .values({ job: result.job, tenant, createdAt: now, ...final })
    .onConflictDoUpdate({
      target: runs.job,
      set: final,
      setWhere: sql`${runs.finalEpoch} is null or ${runs.finalEpoch} <= ${result.epoch}`,
    });
}

async function readRun(db: Database, job: string): Promise<Run | null> {
  const [row] = await db.select().from(runs).where(eq(runs.job, job));
  if (row === undefined) return null;
  const { tenant, createdAt } = row;
  if (row.finalEpoch === null) return { job, tenant, createdAt, final: null };
  const final: FinalResult = {
    job,
    epoch: row.finalEpoch,
    model: row.model,
    tasks: readTasks(row.tasks) ?? [],
    files: JSON.parse(row.files ?? '[]') as readonly ReportFile[],
    resultsJson: row.resultsJson ?? '',
    markdown: row.markdown ?? '',
  };
  return { job, tenant, createdAt, final };
}

async function readPage(
  db: Database,
  tenant: string,
  limit: number,
  after: RunCursor | null,
): Promise<RunPage> {
  const older =
    after === null ? sql`true` : sql`(${runs.createdAt}, ${runs.job}) < (${after.createdAt}, ${after.job})`;
  const found = await db
    .select({ job: runs.job, createdAt: runs.createdAt, model: runs.model, tasks: runs.tasks })
    .from(runs)
    .where(and(eq(runs.tenant, tenant), older))
    .orderBy(desc(runs.createdAt), desc(runs.job))
    .limit(limit + 1);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    runs: page.map((row) => ({ ...row, tasks: readTasks(row.tasks) })),
    next: found.length > limit && last !== undefined ? { createdAt: last.createdAt, job: last.job } : null,
  };
}

function readTasks(json: string | null): readonly TaskResult[] | null {
  return json === null ? null : (JSON.parse(json) as readonly TaskResult[]);
}

async function readSize(db: Database): Promise<number> {
  const { rows } = await db.execute<{ bytes: number }>(
    sql`select pg_database_size(current_database())::float8 as bytes`,
  );
  return rows[0]?.bytes ?? 0;
}
