export type ServerState = 'starting' | 'ready' | 'unhealthy' | 'stopped' | 'failed';

/** A model server in the KV `assay_servers`, by key. A shard names its server by this key only. */
export interface ServerRecord {
  readonly v: 1;
  readonly key: string;
  readonly kind: 'local' | 'external';
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
  /** Scheduler epoch that wrote this. */
  readonly epoch: number;
  readonly updatedAt: string;
}
