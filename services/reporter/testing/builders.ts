import { createHash } from 'node:crypto';
import type {
  BlobRef,
  Generation,
  PreparedDoc,
  Score,
  ScoreOutcome,
  Scoring,
  ShardDocs,
  ShardRequests,
  TaskPlan,
} from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import { rowOf } from '../aggregate/rows.ts';
import type { Blobs, FinalRequest, Generations, ScoreRow, TenantOf } from '../ports.ts';

export const EMPTY_REF: BlobRef = `sha256:${'0'.repeat(64)}`;

/** Everything is the one tenant's of a laptop. */
export const oneTenant: TenantOf = async () => 'default';

export function score(parts: Partial<Score> = {}): Score {
  return {
    v: 1,
    job: 'aaaaaaaaaaaa',
    task: 'toy',
    epoch: 0,
    doc: 0,
    repeat: 'all',
    requests: EMPTY_REF,
    docs: EMPTY_REF,
    index: 0,
    hashes: { doc: '', prompt: '', target: '' },
    outcome: scored({ 'acc,none': 1 }),
    promptTokens: 10,
    completionTokens: 2,
    truncatedTokens: 0,
    ...parts,
  };
}

export function scored(
  metrics: Record<string, number>,
  filtered: Record<string, unknown> = {},
): ScoreOutcome {
  return { status: 'scored', metrics, filtered };
}

export function unscored(reason = 'REQUEST_FAILED', detail = 'no answer'): ScoreOutcome {
  return { status: 'unscored', fault: { reason, detail, attempts: 3 } };
}

export function row(parts: Partial<Score> = {}): ScoreRow {
  const entry = score(parts);
  const made = rowOf(entry, entry.outcome);
  if (made === null) throw new Error('the score has no identity');
  return made;
}

/** Blobs in memory that can be written, too. */
export function blobs(): Blobs & { put(value: unknown): BlobRef } {
  const stored = new Map<string, Uint8Array>();
  return {
    put: (value) => {
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      const ref: BlobRef = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      stored.set(ref, bytes);
      return ref;
    },
    get: async (ref) => {
      const bytes = stored.get(ref);
      if (bytes === undefined) throw new AssayError('BLOB_MISSING', `${ref} is missing`);
      return bytes;
    },
  };
}

export interface ToyTask {
  readonly plan: TaskPlan;
  readonly scores: readonly Score[];
  readonly generations: readonly Generation[];
}

export interface ToyOptions {
  readonly job?: string;
  readonly task?: string;
  readonly docs?: number;
  readonly repeats?: number;
  readonly shard?: number;
  readonly scoring?: Partial<Scoring>;
  readonly text?: (doc: number, repeat: number) => string;
  readonly outcome?: (doc: number, repeat: number | 'all') => ScoreOutcome;
}

/** A generated task, prepared, answered and scored: two filters by default, every third answer right. */
export function toyTask(put: (value: unknown) => BlobRef, options: ToyOptions = {}): ToyTask {
  const { job = 'aaaaaaaaaaaa', task = 'toy', docs = 7, repeats = 1, shard = 3 } = options;
  const scoring: Scoring = {
    outputType: 'generate_until',
    per: 'document',
    repeats,
    pipelines: [
      { name: 'strict', steps: [] },
      { name: 'flex', steps: [] },
    ],
    metrics: [{ metric: 'exact_match', aggregation: 'mean', higherIsBetter: true, args: {} }],
    ...options.scoring,
  };
  const shards: TaskPlan['shards'][number][] = [];
  const scores: Score[] = [];
  const generations: Generation[] = [];
  // Longest first: documents of a shard are not neighbours.
  const order = Array.from({ length: docs }, (_, i) => (i * 5) % docs).filter(
    (doc, i, all) => all.indexOf(doc) === i,
  );
  const rest = Array.from({ length: docs }, (_, i) => i).filter((doc) => !order.includes(doc));
  const sequence = [...order, ...rest];
  for (let at = 0; at < sequence.length; at += shard) {
    const ids = sequence.slice(at, at + shard);
    const requests = put(shardRequests(task, ids, repeats));
    const docsRef = put({ v: 1, task, scoring, docs: ids.map(preparedDoc) } satisfies ShardDocs);
    shards.push({ n: shards.length, bucket: 0, requests, docs: docsRef, samples: ids.length * repeats });
    for (const [index, doc] of ids.entries()) {
      const place = { job, task, doc, requests, docs: docsRef, index };
      for (let repeat = 0; repeat < repeats; repeat += 1) {
        generations.push(generation(place, repeat, options.text?.(doc, repeat) ?? `answer ${doc}`));
      }
      const keys =
        scoring.per === 'sample' ? Array.from({ length: repeats }, (_, i) => i) : (['all'] as const);
      for (const repeat of keys) {
        const outcome = options.outcome?.(doc, repeat) ?? defaultOutcome(doc);
        scores.push(score({ ...place, repeat, outcome, hashes: preparedDoc(doc).hashes }));
      }
    }
  }
  return { plan: taskPlan(task, docs, scoring, shards), scores, generations };
}

export function memoryGenerations(entries: readonly Generation[]): Generations {
  const key = (id: { job: string; task: string; doc: number; repeat: number }): string =>
    `${id.job} ${id.task} ${id.doc} ${id.repeat}`;
  const stored = new Map(entries.map((entry) => [key(entry), entry]));
  return { read: async (_, __, samples) => samples.map((sample) => stored.get(key(sample)) ?? null) };
}

export function finalRequest(put: (value: unknown) => BlobRef, tasks: readonly ToyTask[]): FinalRequest {
  const job = tasks[0]?.scores[0]?.job ?? 'aaaaaaaaaaaa';
  const plan = put({
    v: 1,
    job,
    partition: 'p0',
    epoch: 0,
    tasks: tasks.map((task) => ({ task: task.plan.task, plan: put(task.plan) })),
  });
  return {
    job,
    partition: 'p0',
    epoch: 0,
    plan,
    counts: tasks.map(({ plan: { task }, scores, generations }) => ({
      task,
      samples: generations.length,
      scores: scores.length,
    })),
    model: 'org/toy-model',
    serverKind: 'external',
    endpoint: 'http://127.0.0.1:1/v1',
    seed: 1234,
    startMs: Date.UTC(2026, 0, 2, 3, 4, 5, 600),
    endMs: Date.UTC(2026, 0, 2, 3, 5, 6, 700),
    provenance: { 'jail tier': '1' },
  };
}

function shardRequests(task: string, ids: readonly number[], repeats: number): ShardRequests {
  return {
    v: 1,
    task,
    longPrompt: 'truncate',
    requests: ids.map((doc) => ({
      doc,
      repeats: Array.from({ length: repeats }, (_, i) => i),
      request: {
        type: 'generate',
        prompt: `Q: question ${doc}`,
        settings: { until: ['\n'], maxTokens: 8, temperature: 0, extra: {} },
      },
    })),
  };
}

function preparedDoc(doc: number): PreparedDoc {
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  return {
    doc,
    json: `{"q": "question ${doc}", "a": "é${doc}"}`,
    target: `é${doc}`,
    gold: [`é${doc}`],
    hashes: { doc: hash(`doc ${doc}`), prompt: hash(`prompt ${doc}`), target: hash(`target ${doc}`) },
  };
}

function generation(
  place: Pick<Generation, 'job' | 'task' | 'doc' | 'requests' | 'docs' | 'index'>,
  repeat: number,
  text: string,
): Generation {
  return {
    v: 1,
    kind: 'score',
    server: 'server',
    ...place,
    repeat,
    outcome: { ok: true, type: 'text', response: { text, finishReason: 'stop' } },
    usage: { promptTokens: 10, completionTokens: 2 },
    latencyMs: 1,
  };
}

function defaultOutcome(doc: number): ScoreOutcome {
  const right = doc % 3 === 0 ? 1 : 0;
  return scored(
    { 'exact_match,strict': right, 'exact_match,flex': 1 - right },
    { strict: `answer ${doc}`, flex: '[invalid]' },
  );
}

function taskPlan(task: string, docs: number, scoring: Scoring, shards: TaskPlan['shards']): TaskPlan {
  return {
    v: 1,
    task,
    alias: task,
    version: '1.0',
    kind: 'score',
    outputType: scoring.outputType,
    docs,
    originalDocs: docs + 1,
    repeats: scoring.repeats,
    numFewshot: 0,
    scoring,
    metrics: scoring.metrics,
    shards,
    config: { task, generation_kwargs: { until: ['\n'], max_gen_toks: 8 } },
    needs: {
      api: 'completions',
      logprobs: false,
      longestPromptChars: 20,
      maxTokens: 8,
      ledgerBytes: 0,
      promptChars: 0,
    },
  };
}
