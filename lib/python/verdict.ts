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
  if (done.endedBy === 'cpu' || signalOf(done.program) === SIGXCPU || signalOf(done.judge) === SIGXCPU) {
    return { status: 'TLE', detail: `more than ${cpuMs} ms of CPU time` };
  }
  if (done.endedBy === 'wall') return { status: 'TLE', detail: `more than ${wallMs} ms` };
  if (done.endedBy === 'output') return { status: 'OLE', detail: `more than ${outputBytes} bytes of output` };
  return submission.tests === undefined ? ofProgram(done) : ofTests(done, nonce);
}

/** The wall clock ran out while little CPU time was used: the machine may have been busy, so it is tried again alone. */
export function isNearLimit(done: Done, submission: Submission): boolean {
  return done.endedBy === 'wall' && done.cpuMs < submission.limits.cpuMs;
}

/** A process that died as corrupted memory makes it die: its zygote, whose layout it shared, is not used again. */
export function isSuspicious(done: Done): boolean {
  return [4, 7, 11, 31].includes(signalOf(done.program) ?? 0);
}

export function executionOf(
  done: Done,
  verdict: { readonly status: ExecutionStatus; readonly detail: string },
  attempts: number,
): Execution {
  const { stdout, stderr, cpuMs, wallMs, maxRssBytes } = done;
  return { ...verdict, stdout, stderr, cpuMs, wallMs, maxRssBytes, attempts };
}

function ofProgram(done: Done): Verdict {
  const signal = signalOf(done.program);
  if (signal !== null)
    return { status: 'RE', detail: `ended by ${SIGNAL_NAMES[signal] ?? `signal ${signal}`}` };
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

function exitCode(status: number): number {
  return (status >> 8) & 0xff;
}
