import { DiscardPolicy, nanos, RetentionPolicy, StorageType } from 'nats';
import type { StreamSpec } from './api.ts';
import { BUNDLES, JOBS, LEADER, PROGRESS, SERVERS, STAGES, WORKERS } from './buckets.ts';
import type { LedgerLimits } from './bus.ts';
import type { KvBucket } from './kv.ts';
import { token } from './subject.ts';

/** The names of a partition's streams. */
export interface PartitionStreams {
  readonly generations: string;
  readonly scores: string;
  readonly shards: string;
  readonly work: string;
}

export function partitionStreams(partition: string): PartitionStreams {
  const p = token(partition);
  return { generations: `GENERATIONS_${p}`, scores: `SCORES_${p}`, shards: `SHARDS_${p}`, work: `WORK_${p}` };
}

/** What each of a partition's streams stores. */
export function partitionSubjects(partition: string): PartitionStreams {
  const under = (stage: string) => `assay.${token(partition)}.${stage}.>`;
  return {
    generations: under('generations'),
    scores: under('scores'),
    shards: under('shards'),
    work: under('work'),
  };
}

/** Every stream that a partition needs, the KV buckets of the whole system included, as data. */
export function specsOf(partition: string, limits: LedgerLimits, replicas: number): readonly StreamSpec[] {
  const names = partitionStreams(partition);
  const subjects = partitionSubjects(partition);
  const ledgers = [
    { ...ledger(names.generations, subjects.generations), max_bytes: limits.generationsBytes },
    { ...ledger(names.scores, subjects.scores), max_bytes: limits.scoresBytes },
  ];
  const queues = [queue(names.shards, subjects.shards), queue(names.work, subjects.work)];
  return [...ledgers, ...queues, ...BUCKETS.map(bucketSpec)].map((spec) => ({
    ...spec,
    num_replicas: replicas,
  }));
}

/** The stream of a KV bucket, as every NATS client names it. */
export function bucketStream(bucket: KvBucket<unknown>): string {
  return `KV_${bucket.bucket}`;
}

/** What the stream of a KV bucket stores, all of it or the encoded keys that match. */
export function bucketSubject(bucket: KvBucket<unknown>, keys = '>'): string {
  return `$KV.${bucket.bucket}.${keys}`;
}

export const BUCKETS: readonly KvBucket<unknown>[] = [
  JOBS,
  SERVERS,
  STAGES,
  LEADER,
  WORKERS,
  PROGRESS,
  BUNDLES,
];

const onePerSubject = {
  storage: StorageType.File,
  discard: DiscardPolicy.New,
  max_msgs_per_subject: 1,
} as const;

// Without Nats-Msg-Id: inside its window the server would drop a score that is stored again after a purge.
function ledger(name: string, subject: string): StreamSpec {
  return {
    name,
    subjects: [subject],
    retention: RetentionPolicy.Limits,
    ...onePerSubject,
    discard_new_per_subject: true,
  };
}

function queue(name: string, subject: string): StreamSpec {
  const retention = RetentionPolicy.Workqueue;
  const limits = { discard_new_per_subject: true, max_bytes: QUEUE_BYTES };
  return { name, subjects: [subject], retention, ...onePerSubject, ...limits };
}

const QUEUE_BYTES = 64 * 1024 ** 2;

/** History of one value; delete markers go by themselves; the layout is the one that other NATS clients read. */
function bucketSpec(bucket: KvBucket<unknown>): StreamSpec {
  return {
    name: bucketStream(bucket),
    subjects: [bucketSubject(bucket)],
    retention: RetentionPolicy.Limits,
    ...onePerSubject,
    allow_rollup_hdrs: true,
    allow_direct: true,
    allow_msg_ttl: true,
    deny_delete: true,
    ...(bucket.ttlMs !== undefined && { max_age: nanos(bucket.ttlMs) }),
  };
}

/** The blob store, laid out as other NATS clients read an object store. */
export const BLOBS = {
  stream: 'OBJ_assay_blobs',
  chunks: '$O.assay_blobs.C',
  infos: '$O.assay_blobs.M',
} as const;

// Without roll-ups: whoever may write a blob could then remove all of them.
export function blobSpec(maxBytes: number, replicas: number): StreamSpec {
  return {
    name: BLOBS.stream,
    subjects: [`${BLOBS.chunks}.>`, `${BLOBS.infos}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_bytes: maxBytes,
    num_replicas: replicas,
  };
}
