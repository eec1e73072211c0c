import type {
  BlobRef,
  CheckValue,
  JobId,
  JobProgress,
  JobRecord,
  ModelTarget,
  PrepareValue,
  StageAnswer,
  TaskCounts,
  WorkerRecord,
} from '@assay/lib/domain';
import type { AssayError } from '@assay/lib/errors';

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

/** What must be served, and under which key. */
export interface ServerSpec {
  readonly key: string;
  readonly target: ModelTarget;
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
}

/**
 * Where model servers run. Each adapter supervises what it was asked to serve until it is told to stop:
 * ready means that the server is healthy and lists the expected model id.
 */
export interface Cluster {
  /** Idempotent: joins what already runs under the key. */
  ensure(spec: ServerSpec): void;
  view(key: string): ServerView | null;
  keys(): readonly string[];
  stop(key: string): Promise<void>;
  close(): Promise<void>;
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
