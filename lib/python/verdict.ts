import type { Done } from './frames.ts';
import type { Execution, ExecutionStatus, Submission } from './submission.ts';

/** A status with its reason, or a fault of ours: the run says nothing about the submission. */
export type Verdict =
  | { readonly status: ExecutionStatus; readonly detail: string }
  | { readonly status: 'IE'; readonly detail: string };

const SIGNAL_NAMES: Readonly<Record<number, string>> = {
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  14: 'SIGALRM',
  24: 'SIGXCPU',
  31: 'SIGSYS',
};
const SIGKILL = 9;
const SIGXCPU = 24;
const TOLD_STATUSES: readonly string[] = ['AC', 'WA', 'RE', 'PE', 'MLE', 'IE'];

/**
 * What a run means. Limits first, then the output's size, then the judge; nothing that the submission's own process
 * says can make it pass: that takes a verdict with this run's nonce, which only the judge's process ever held.
 */
export function judge(done: Done, submission: Submission, nonce: string): Verdict {
  const { cpuMs, wallMs, outputBytes } = submission.limits;
  const atLimit = [done.program, done.judge].some((status) => signalOf(status) === SIGXCPU);
  if (done.endedBy === 'cpu' || atLimit || (done.endedBy === 'itself' && done.cpuMs > cpuMs)) {
    return { status: 'TLE', detail: `more than ${cpuMs} ms of CPU time` };
  }
  if (done.endedBy === 'wall') return { status: 'TLE', detail: `more than ${wallMs} ms` };
  if (done.endedBy === 'output') return { status: 'OLE', detail: `more than ${outputBytes} bytes of output` };
  return submission.tests === undefined ? ofProgram(done) : ofTests(done, nonce);
}

const NEAR = 1.2;

/** The submission with as much more CPU time as is still near its limit: only so is it seen whether it was near. */
export function withMargin(submission: Submission): Submission {
  const { limits } = submission;
  return { ...submission, limits: { ...limits, cpuMs: limits.cpuMs * NEAR } };
}

/**
 * A busy machine may have decided it, so it is tried again alone: the wall clock ran out while little CPU time was used,
 * or the submission came to its end with a little more CPU time than it has.
 */
export function isNearLimit(done: Done, submission: Submission): boolean {
  const over = done.cpuMs > submission.limits.cpuMs;
  if (done.endedBy === 'wall') return done.cpuMs < submission.limits.cpuMs;
  return over && done.endedBy !== 'cpu' && signalOf(done.program) !== SIGXCPU;
}

/** Nobody but itself ends a judge by such a signal; an answer that does so every time is the submission's doing. */
export function judgeCrash(done: Done): string | null {
  const signal = signalOf(done.judge);
  return signal === null || signal === SIGKILL || signal === SIGXCPU ? null : nameOf(signal);
}

/** A process that died as corrupted memory makes it die: its zygote, whose layout it shared, is not used again. */
export function isSuspicious(done: Done): boolean {
  return [done.program, done.judge].some((status) => [4, 7, 11, 31].includes(signalOf(status) ?? 0));
}

export function executionOf(
  done: Done,
  verdict: { readonly status: ExecutionStatus; readonly detail: string },
  attempts: number,
  near: Done | null = null,
): Execution {
  const { stdout, stderr, cpuMs, wallMs, maxRssBytes } = done;
  const nearLimit = near === null ? {} : { nearLimit: { cpuMs: near.cpuMs, wallMs: near.wallMs } };
  return { ...verdict, stdout, stderr, cpuMs, wallMs, maxRssBytes, attempts, ...nearLimit };
}

function ofProgram(done: Done): Verdict {
  const signal = signalOf(done.program);
  if (signal !== null) return { status: 'RE', detail: `ended by ${nameOf(signal)}` };
  if (done.program === 0) return { status: 'OK', detail: '' };
  return ownEnding(done) ?? { status: 'RE', detail: `exit code ${exitCode(done.program)}` };
}

function ofTests(done: Done, nonce: string): Verdict {
  const told = parse(done.verdict);
  if (told['nonce'] !== nonce || !isTold(told['status'])) {
    return { status: 'IE', detail: `the judge gave no verdict (wait status ${done.judge})` };
  }
  const verdict = { status: told['status'], detail: text(told['detail']) };
  return verdict.status === 'RE' ? (ownEnding(done) ?? endedEarly(done) ?? verdict) : verdict;
}

// SIGKILL is how the zygote ends a submission once the judge is done.
function endedEarly(done: Done): Verdict | null {
  const signal = signalOf(done.program);
  return signal !== null && signal !== SIGKILL ? ofProgram(done) : null;
}

// What the child's harness noted before it ended by itself. It can only say why, never that all is well.
function ownEnding(done: Done): Verdict | null {
  const { end, type, text: message } = parse(done.ending);
  if (end === 'syntax') return { status: 'CE', detail: `${text(type)}: ${text(message)}` };
  if (end === 'exception' && type === 'MemoryError') return { status: 'MLE', detail: 'MemoryError' };
  if (end === 'exception') return { status: 'RE', detail: `${text(type)}: ${text(message)}` };
  return null;
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isTold(status: unknown): status is Verdict['status'] {
  return typeof status === 'string' && TOLD_STATUSES.includes(status);
}

/** At most 300 characters that are safe to store and to print. */
function text(value: unknown): string {
  return typeof value === 'string'
    ? value
        .toWellFormed()
        .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
        .slice(0, 300)
    : '';
}

function signalOf(status: number | null): number | null {
  const signal = (status ?? 0) & 0x7f;
  return signal === 0 ? null : signal;
}

function nameOf(signal: number): string {
  return SIGNAL_NAMES[signal] ?? `signal ${signal}`;
}

function exitCode(status: number): number {
  return (status >> 8) & 0xff;
}
