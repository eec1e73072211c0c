import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import { childProcesses } from './child-processes.ts';
import type { ExecSide } from './exec-side.ts';
import { interpreters } from './interpreter.ts';
import { Pool } from './pool.ts';
import { probe, type JailReport } from './probe.ts';
import type { Execution, Submission } from './submission.ts';

const AGAIN_MS = 1_000;

/** Runs untrusted Python. */
export interface Jail {
  readonly report: JailReport;
  /** Executions side by side. */
  readonly slots: number;
  readonly running: number;
  readonly waiting: number;
  /**
   * Throws SANDBOX_FAULT (permanent) when three runs gave no verdict, UNAVAILABLE (passing) when the jail was closed or
   * `signal` aborted while the submission waited. One that runs is not interrupted: its limits end it.
   */
  run(submission: Submission, signal?: AbortSignal): Promise<Execution>;
  /** Ends every child at once. */
  close(): Promise<void>;
}

export interface JailOptions {
  /** The interpreter; when it is left out, the first on `path` whose jail reaches tier 1. */
  readonly python?: string;
  readonly path: string;
  readonly slots: number;
  readonly log: Log;
}

/** Finds an interpreter, starts the jail and tries it. Never throws: what is missing is in the report. */
export async function openJail(options: JailOptions): Promise<Jail> {
  let best: { pool: Pool | null; report: JailReport } = { pool: null, report: nothing(options) };
  for (const interpreter of await interpreters(options.python, options.path)) {
    const channels = childProcesses(interpreter, options.log);
    const pool = new Pool({ channels, slots: options.slots });
    const report = await probe(pool, interpreter);
    if (report.tier === 1) {
      await best.pool?.close();
      return jailOf(pool, report, options.slots);
    }
    options.log.debug({ interpreter, reason: report.reason }, 'jail below tier 1');
    const better = best.pool === null || (report.runs && !best.report.runs);
    await (better ? best.pool : pool)?.close();
    if (better) best = { pool, report };
  }
  return jailOf(best.pool, best.report, options.slots);
}

/** Starts the jail in the exec container, which is waited for, and tries it. Rejects only when `signal` aborts. */
export async function openJailAt(exec: ExecSide, slots: number, signal: AbortSignal): Promise<Jail> {
  for (;;) {
    const pool = new Pool({ channels: exec, slots });
    const report = await probe(pool, exec.path, signal);
    if (report.runs || !exec.isAway) return jailOf(pool, report, slots);
    await pool.close();
    await sleep(AGAIN_MS, undefined, { signal });
  }
}

function jailOf(pool: Pool | null, report: JailReport, slots: number): Jail {
  return {
    report,
    slots,
    get running() {
      return pool?.running ?? 0;
    },
    get waiting() {
      return pool?.waiting ?? 0;
    },
    async run(submission, signal) {
      if (pool === null || !report.runs) throw new AssayError('SANDBOX_FAULT', report.reason);
      return await pool.run(submission, signal);
    },
    async close() {
      await pool?.close();
    },
  };
}

function nothing(options: JailOptions): JailReport {
  const reason = `no Python of version 3.10 or later ${options.python === undefined ? 'on the PATH' : `at ${options.python}`}`;
  return {
    tier: 3,
    reason,
    runs: false,
    python: '',
    interpreter: '',
    landlock: 0,
    seccomp: false,
    namespaces: [],
    allowed: [],
  };
}
