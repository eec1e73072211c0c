import {
  isBlobRef,
  type Generation,
  type GenerationOutcome,
  type SampleId,
  type ScoreOutcome,
  type ShardRef,
  type ShardRequest,
  type TaskPlan,
} from '@assay/lib/domain';
import { AssayError, passing } from '@assay/lib/errors';
import type { Blobs, Generations, Results, ScoreRow, Spool, TaskKey } from '../ports.ts';
import { columnsOf, type Column } from './columns.ts';
import { readJson, readShard } from './plan.ts';
import { sampleLines } from './samples.ts';

export interface JoinOptions {
  readonly results: Pick<Results, 'rowsOf'>;
  readonly generations: Generations;
  readonly blobs: Blobs;
  readonly partition: string;
  readonly key: TaskKey;
  readonly plan: TaskPlan;
  /** Whether a document without all its answers and scores is a fault, or simply not there yet. */
  readonly complete: boolean;
}

/** The lines of one document in `samples_*.jsonl`, by filter pipeline, and its three hashes in one. */
export interface DocumentLines {
  readonly doc: number;
  readonly hashes: string;
  readonly lines: readonly string[];
}

/**
 * Joins documents, requests, answers and scores of one bucket and gives them in document order. Works shard by shard,
 * because a bucket's shards are ordered by length, and puts the lines in order on disk: never more than two shards
 * are in memory. Throws UNAVAILABLE (passing) when the job should be complete and an answer is missing.
 */
export async function* bucketLines(
  options: JoinOptions,
  shards: readonly ShardRef[],
  spool: Spool,
): AsyncIterable<DocumentLines> {
  const columns = columnsOf(options.plan.scoring, options.plan.metrics);
  const docs: number[] = [];
  for await (const entries of ahead(shards, (shard) => shardLines(options, columns, shard))) {
    for (const entry of entries) {
      docs.push(entry.doc);
      await spool.add(entry.doc, [entry.hashes, ...entry.lines].join('\n'));
    }
  }
  docs.sort((a, b) => a - b);
  for (let at = 0; at < docs.length; at += READ_AT_ONCE) {
    const page = docs.slice(at, at + READ_AT_ONCE);
    const texts = await Promise.all(page.map((doc) => spool.get(doc)));
    for (const [i, doc] of page.entries()) {
      const text = texts[i];
      if (text === null || text === undefined)
        throw new AssayError('INTERNAL', `document ${doc} is not in the spool`);
      const [hashes = '', ...lines] = text.split('\n');
      yield { doc, hashes, lines };
    }
  }
}

const READ_AT_ONCE = 64;

/** Results in order, the next one begun while one is used. */
async function* ahead<A, B>(items: readonly A[], act: (item: A) => Promise<B>): AsyncIterable<B> {
  const [first, ...rest] = items;
  if (first === undefined) return;
  let next = act(first);
  for (const item of rest) {
    const result = await next;
    next = act(item);
    next.catch(() => undefined); // seen when it is awaited
    yield result;
  }
  yield await next;
}

/** The plan's shards by bucket, in order. */
export function bucketsOf(plan: TaskPlan): readonly (readonly ShardRef[])[] {
  const buckets = Map.groupBy(plan.shards, ({ bucket }) => bucket);
  return [...buckets].sort(([a], [b]) => a - b).map(([, shards]) => shards);
}

async function shardLines(
  options: JoinOptions,
  columns: readonly Column[],
  shard: ShardRef,
): Promise<readonly DocumentLines[]> {
  const { requests, docs } = await readShard(options.blobs, shard);
  const samples = requests.requests.flatMap((request) => samplesOf(options.key, request));
  const [generations, scores] = await Promise.all([
    options.generations.read(options.partition, options.plan.kind, samples),
    options.results.rowsOf(
      options.key,
      requests.requests.map(({ doc }) => doc),
    ),
  ]);
  const rowsByDoc = Map.groupBy(scores, ({ doc }) => doc);
  const lines: DocumentLines[] = [];
  let at = 0;
  for (const [i, request] of requests.requests.entries()) {
    const doc = docs.docs[i];
    const answers = generations.slice(at, at + request.repeats.length);
    at += request.repeats.length;
    const rows = rowsByDoc.get(request.doc) ?? [];
    if (doc === undefined || !isThere(options, request, answers, rows)) continue;
    const facts = {
      plan: options.plan,
      columns,
      request,
      doc,
      answers: await Promise.all(answers.map((answer) => outcomeOf(options.blobs, answer))),
      scores: await Promise.all(rows.map((row) => withOutcome(options.blobs, row))),
    };
    const hashes = doc.hashes.doc + doc.hashes.prompt + doc.hashes.target;
    lines.push({ doc: doc.doc, hashes, lines: sampleLines(facts) });
  }
  return lines;
}

function samplesOf(key: TaskKey, request: ShardRequest): readonly SampleId[] {
  return request.repeats.map((repeat) => ({ job: key.job, task: key.task, doc: request.doc, repeat }));
}

// In a live view, documents without a score are left out. A finished job has everything, or the report waits.
function isThere(
  { complete, key }: JoinOptions,
  request: ShardRequest,
  answers: readonly (Generation | null)[],
  rows: readonly ScoreRow[],
): boolean {
  if (!complete) return rows.length > 0;
  if (rows.length === 0)
    throw passing('UNAVAILABLE', `${key.task}: document ${request.doc} has no score yet`);
  const missing = answers.indexOf(null);
  if (missing === -1) return true;
  const repeat = request.repeats[missing] ?? missing;
  throw passing(
    'UNAVAILABLE',
    `${key.task}: the answer of document ${request.doc}, repeat ${repeat} is not in the ledger`,
  );
}

async function outcomeOf(blobs: Blobs, answer: Generation | null): Promise<GenerationOutcome | null> {
  if (answer === null) return null;
  const { outcome } = answer;
  return 'blob' in outcome && isBlobRef(outcome.blob)
    ? readJson<GenerationOutcome>(blobs, outcome.blob)
    : inline(outcome);
}

function inline(outcome: Generation['outcome']): GenerationOutcome | null {
  return 'ok' in outcome ? outcome : null;
}

async function withOutcome(
  blobs: Blobs,
  row: ScoreRow,
): Promise<{ readonly row: ScoreRow; readonly outcome: ScoreOutcome }> {
  if ('status' in row.outcome) return { row, outcome: row.outcome };
  return { row, outcome: await readJson<ScoreOutcome>(blobs, row.outcome.blob) };
}
