import type {
  BlobRef,
  CheckValue,
  JobId,
  JobProgress,
  JobRecord,
  ModelTarget,
  PrepareValue,
  ServerRecord,
  StageAnswer,
  StartPhase,
  TaskCounts,
  WorkerRecord,
} from '@assay/lib/domain';
import type { AssayError } from '@assay/lib/errors';
import type { Need, NodeRoom } from './place/fit.ts';

/** Every job, mirrored from the KV and changed in it by compare-and-set. */
export interface Jobs {
  get(id: JobId): JobRecord | undefined;
  all(): Iterable<JobRecord>;
  /** `exists` leaves what is there untouched. */
  create(record: JobRecord): Promise<'created' | 'exists'>;
  /** Reads the latest record and writes what `change` makes of it, again on conflict; null changes nothing. */
  edit(id: JobId, change: (record: JobRecord) => JobRecord | null): Promise<JobRecord>;
  onChange(listener: (id: JobId) => void): () => void;
}

/**
 * Which bundles a tenant has uploaded. A bundle is named by what it holds, and a name that somebody else has heard of,
 * or worked out, is worth nothing to him.
 */
export interface Bundles {
  add(tenant: string, bundle: BlobRef): Promise<void>;
  has(tenant: string, bundle: BlobRef): Promise<boolean>;
}

/** What workers answered to `prepare` and `check`. */
export interface Answers {
  prepared(job: JobId, task: string): StageAnswer<PrepareValue> | undefined;
  checked(job: JobId): StageAnswer<CheckValue> | undefined;
  /** Jobs and dry runs that have an answer. */
  names(): Iterable<string>;
  /** Every answer to a job or a dry run. */
  forget(job: JobId): Promise<void>;
}

export interface Workers {
  all(): Iterable<WorkerRecord>;
}

export interface Progress {
  get(id: JobId): JobProgress | undefined;
  put(id: JobId, progress: JobProgress): Promise<void>;
  delete(id: JobId): Promise<void>;
  onChange(listener: (id: JobId) => void): () => void;
}

/** What must be served, under which key and where. */
export interface ServerSpec {
  readonly key: string;
  readonly target: ModelTarget;
  /** The node that was chosen for it just now; null when it has one, needs none, or none would do. */
  readonly node: string | null;
  /** Why no node would do; empty otherwise. */
  readonly waits: string;
}

/** A server as placement sees it. */
export interface Housed {
  readonly key: string;
  readonly need: Need | null;
  readonly node: string | null;
  /** Nodes that turned it away lately. */
  readonly avoid: readonly string[];
}

export interface ServerView {
  readonly phase: 'starting' | 'ready' | 'down' | 'failed';
  /** Why the server is not ready; null while it is. */
  readonly fault: AssayError | null;
  readonly detail: string;
  readonly baseUrl: string;
  readonly model: string;
  /** Requests that the server takes at once, as far as is known. */
  readonly ceiling: number;
  /** Tokens; 0 when unknown. */
  readonly contextLength: number;
  /** Times it was started again after it had died. */
  readonly restarts: number;
  /** Name of the secret whose text requests must bear; absent when they need none. */
  readonly secret?: string;
  /** The node that it runs on; absent where there are none. */
  readonly node?: string;
  /** Its start so far, phase by phase; empty where it has none to tell. */
  readonly start: readonly StartPhase[];
  /** Its cluster decides when a start has taken too long; otherwise whoever waits does. */
  readonly ownDeadline: boolean;
}

/**
 * Where model servers run. Each adapter supervises what it was asked to serve until it is told to stop:
 * ready means that the server is healthy and lists the expected model id.
 */
export interface Cluster {
  /** How its servers are called in records. */
  readonly kind: ServerRecord['kind'];
  /** What a server for the target takes of a node; null: nothing of ours. Throws when the target cannot be served here. */
  need(target: ModelTarget): Need | null;
  nodes(): readonly NodeRoom[];
  /** Idempotent: joins what already runs under the key. */
  ensure(spec: ServerSpec): void;
  view(key: string): ServerView | null;
  keys(): readonly string[];
  housed(): readonly Housed[];
  stop(key: string): Promise<void>;
  /** Ends what it does. Servers that are not its children live on. */
  close(): Promise<void>;
}

/** What is published of model servers, written by the leader alone: an older one is refused with NOT_LEADER. */
export interface Servers {
  put(record: ServerRecord): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): AsyncIterable<string>;
}

export interface FinalRequest {
  readonly job: JobRecord;
  readonly plan: BlobRef;
  readonly counts: readonly TaskCounts[];
  readonly endedAt: string;
  readonly provenance: Readonly<Record<string, string>>;
}

export interface Reporter {
  /** Resolves when the report of the job is stored. Idempotent. */
  finalize(request: FinalRequest, signal: AbortSignal): Promise<void>;
}

/** Endpoint keys: files of mode 0600, named by job, deleted when the job ends. */
export interface Secrets {
  put(name: string, secret: string): Promise<void>;
  /** With whatever an interrupted `put` has left of it. */
  delete(name: string): Promise<void>;
  list(): Promise<readonly StoredSecret[]>;
}

export interface StoredSecret {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly writtenMs: number;
}
