export { BUNDLES, JOBS, LEADER, PROGRESS, SERVERS, STAGES, WORKERS } from './buckets.ts';
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
export { brokerUsersConfig, type BrokerUser } from './broker-users.ts';
export { connectBus, type ConnectOptions } from './connect.ts';
export { DURABLES } from './durables.ts';
export type { Kv, KvBucket, KvChange, KvEntry } from './kv.ts';
export type { Login } from './login.ts';
export { permissionsOf, SERVICE_NAMES, type Permissions, type ServiceName } from './permissions.ts';
export { token } from './subject.ts';
