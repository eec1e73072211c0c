export { JOBS, LEADER, PROGRESS, SERVERS, STAGES, WORKERS } from './buckets.ts';
export type {
  Bus,
  Consume,
  Counter,
  Delivery,
  GenerationKey,
  Ledger,
  LedgerFilter,
  LedgerLimits,
  LedgerUsage,
  Puller,
  Queue,
  ScoreKey,
  SubjectParts,
  TakeOptions,
  Taken,
  WorkItems,
} from './bus.ts';
export { connectBus, type ConnectOptions } from './connect.ts';
export type { Kv, KvBucket, KvChange, KvEntry } from './kv.ts';
export { token } from './subject.ts';
