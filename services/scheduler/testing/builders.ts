import { blobRefOf } from '@assay/lib/blob';
import type { JobRecord, TaskPlan } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Jobs, ServerView } from '../ports.ts';

export const JOB = 'abcdefghijkl';
const REF = blobRefOf(new Uint8Array());

export function jobRecord(over: Partial<JobRecord> = {}): JobRecord {
  const state = over.state ?? 'SUBMITTED';
  const at = new Date(0).toISOString();
  return {
    v: 1,
    id: JOB,
    partition: 'p0',
    spec: {
      tenant: 'default',
      requestId: 'r',
      target: { type: 'endpoint', baseUrl: 'http://127.0.0.1:9/v1', model: 'm' },
      tasks: [{ name: 'toy' }],
      bundle: REF,
      seed: 1,
      contentHash: '',
      maxConcurrency: 0,
    },
    state,
    reason: 'TEST',
    detail: '',
    transitions: [{ from: null, to: state, reason: 'TEST', detail: '', at, epoch: 0 }],
    tasks: [{ name: 'toy', published: 0 }],
    reservedBytes: 0,
    scoringEpoch: 0,
    epoch: 0,
    createdAt: at,
    cancelRequested: false,
    purged: false,
    audits: 0,
    ...over,
  };
}

export function taskPlan(over: Partial<TaskPlan> = {}): TaskPlan {
  return {
    v: 1,
    task: 'toy',
    alias: 'toy',
    version: '1',
    kind: 'score',
    outputType: 'generate_until',
    docs: 2,
    originalDocs: 2,
    repeats: 1,
    numFewshot: 0,
    scoring: { outputType: 'generate_until', per: 'sample', repeats: 1, pipelines: [], metrics: [] },
    metrics: [],
    shards: [],
    config: {},
    needs: {
      api: 'completions',
      logprobs: false,
      longestPromptChars: 1,
      maxTokens: 1,
      ledgerBytes: 1,
      promptChars: 1,
    },
    ...over,
  };
}

export function serverView(over: Partial<ServerView> = {}): ServerView {
  return {
    phase: 'ready',
    fault: null,
    detail: 'ready',
    baseUrl: 'http://127.0.0.1:9/v1',
    model: 'm',
    ceiling: 1,
    contextLength: 0,
    restarts: 0,
    start: [],
    ownDeadline: false,
    ...over,
  };
}

/** Jobs without a broker: what is edited is there at once. */
export function memoryJobs(...records: readonly JobRecord[]): Jobs {
  const jobs = new Map(records.map((record) => [record.id, record]));
  const listeners = new Set<(id: string) => void>();
  const store = (record: JobRecord) => {
    jobs.set(record.id, record);
    for (const listener of listeners) listener(record.id);
    return record;
  };
  return {
    get: (id) => jobs.get(id),
    all: () => jobs.values(),
    create: async (record) => (jobs.has(record.id) ? 'exists' : (store(record), 'created')),
    async edit(id, change) {
      const record = jobs.get(id);
      if (record === undefined) throw new AssayError('NOT_FOUND', `no job ${id}`);
      return store(change(record) ?? record);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
