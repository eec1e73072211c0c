export type ServerState = 'starting' | 'ready' | 'unhealthy' | 'stopped' | 'failed';

export const START_PHASES = ['schedule', 'pull', 'weights', 'compile', 'ready'] as const;

/** One phase of a model server's start. */
export interface StartPhase {
  readonly phase: (typeof START_PHASES)[number];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Null while it goes on. */
  readonly endedAt: string | null;
  /** Fetched or written so far; 0 where that is not known. */
  readonly bytes: number;
  /** 0 where it is not known. */
  readonly totalBytes: number;
  /** When the bytes last became more. */
  readonly lastGrowth: string | null;
  /** What it waits for, or what was in its way. */
  readonly detail: string;
}

/** A model server in the KV `assay_servers`, by key. A shard names its server by this key only. */
export interface ServerRecord {
  readonly v: 1;
  readonly key: string;
  readonly kind: 'local' | 'external' | 'kubernetes';
  /** Base URL up to and including `/v1`. Empty until the server is known. */
  readonly baseUrl: string;
  readonly model: string;
  readonly state: ServerState;
  readonly reason: string;
  /** Requests in flight that the server is known to take; the runner adapts below it. */
  readonly ceiling: number;
  /** Name of the secret file that holds the endpoint's key; the key itself is stored nowhere else. */
  readonly secret?: string;
  /** Tokens; 0 when the server does not say. */
  readonly contextLength: number;
  /** The node that it runs on; absent where there are none. */
  readonly node?: string;
  /** Its start, phase by phase; absent where it has none to tell. */
  readonly start?: readonly StartPhase[];
  /** Scheduler epoch that wrote this. */
  readonly epoch: number;
  readonly updatedAt: string;
}
