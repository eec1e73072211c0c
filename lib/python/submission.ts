import type { VerdictStatus } from '@assay/lib/domain';

/** Limits of one execution. CPU time is what decides; wall time only ends what waits. */
export interface Limits {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly memoryBytes: number;
  /** Of standard output, and of standard error. */
  readonly outputBytes: number;
}

/** A benchmark's tests: Python that runs against the submission, in a process of its own. */
export interface Tests {
  readonly source: string;
  /** Name of the submission's function or class. */
  readonly entry: string;
  /** Trusted Python whose definitions the tests may use; it may end where the entry is begun. */
  readonly helpers: string;
}

export interface Submission {
  readonly source: string | Uint8Array;
  readonly stdin?: Uint8Array;
  /** Without tests the submission is run as a program, and its output is what matters. */
  readonly tests?: Tests;
  readonly limits: Limits;
}

/** `OK`: a program without tests ran to its end. `AC` needs tests that passed. `IE` is never given: it is thrown. */
export type ExecutionStatus = 'OK' | Exclude<VerdictStatus, 'IE'>;

/** How an execution ended: facts, for whoever judges or shows it. */
export interface Execution {
  readonly status: ExecutionStatus;
  readonly detail: string;
  readonly stdout: Uint8Array;
  /** The last 8 KiB. */
  readonly stderr: Uint8Array;
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly maxRssBytes: number;
  /** Runs that it took: more than one after a fault of ours, or near a time limit. */
  readonly attempts: number;
  /** The run that ended near a time limit, when this is the one after it, alone on the machine's cores. */
  readonly nearLimit?: { readonly cpuMs: number; readonly wallMs: number };
}
