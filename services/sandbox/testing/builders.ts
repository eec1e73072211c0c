import type { BlobRef, Generation, PreparedDoc, Score, Scoring, ShardDocs } from '@assay/lib/domain';
import { createLog } from '@assay/lib/log';
import type { Docs, GenerationDelivery, Outcomes, Scores } from '../ports.ts';
import type { Settle } from '../score/settle.ts';

export const REF: BlobRef = `sha256:${'a'.repeat(64)}`;
export const silent = createLog({ service: 'test', level: 'silent', pretty: false });

export function generation(given: Partial<Generation> = {}, text = 'yes'): Generation {
  return {
    v: 1,
    job: 'job',
    task: 'task',
    doc: 0,
    repeat: 0,
    kind: 'score',
    server: 's',
    requests: REF,
    docs: REF,
    index: 0,
    outcome: { ok: true, type: 'text', response: { text, finishReason: 'stop' } },
    usage: { promptTokens: 10, completionTokens: 2 },
    latencyMs: 1,
    ...given,
  };
}

export const EXACT: Scoring = {
  outputType: 'generate_until',
  per: 'document',
  repeats: 1,
  pipelines: [{ name: 'none', steps: [{ function: 'take_first', args: {} }] }],
  metrics: [{ metric: 'exact_match', aggregation: 'mean', higherIsBetter: true, args: {} }],
};

export function shard(scoring: Scoring = EXACT, docs: readonly PreparedDoc[] = [preparedDoc()]): ShardDocs {
  return { v: 1, task: 'task', scoring, docs };
}

export function preparedDoc(given: Partial<PreparedDoc> = {}): PreparedDoc {
  const hashes = { doc: 'd', prompt: 'p', target: 't' };
  return { doc: 0, json: '{}', target: 'yes', gold: ['yes'], hashes, ...given };
}

export function docsOf(given: ShardDocs): Docs {
  return { get: async () => given };
}

export const inline: Outcomes = {
  read: async (outcome) => {
    if ('blob' in outcome) throw new Error('no blobs here');
    return outcome;
  },
  pack: async (outcome) => outcome,
};

/** A delivery that says what was done with it. */
export function delivery(entry: Generation, attempt = 1): GenerationDelivery & { readonly done: string[] } {
  const done: string[] = [];
  return { entry, attempt, done, ack: () => done.push('ack'), retry: () => done.push('retry') };
}

export function memoryScores(): Scores & { readonly all: Score[] } {
  const all: Score[] = [];
  const keyOf = ({ epoch, job, task, doc, repeat }: Score): string =>
    [epoch, job, task, doc, repeat].join('/');
  return {
    all,
    store: async (score) => {
      if (all.some((other) => keyOf(other) === keyOf(score))) return 'exists';
      all.push(score);
      return 'stored';
    },
  };
}

export function settleWith(given: Partial<Settle> = {}): Settle {
  return {
    jobs: { isFinished: () => false },
    outcomes: inline,
    scores: memoryScores(),
    log: silent,
    stored: () => undefined,
    ...given,
  };
}
