import { readFile } from 'node:fs/promises';
import type { Hello } from './frames.ts';
import type { Pool } from './pool.ts';
import type { Limits, Submission } from './submission.ts';
import { judge, type Verdict } from './verdict.ts';

/** What the jail can do here, found by trying. */
export interface JailReport {
  /**
   * 1: rlimits, Landlock and seccomp hold and everything forbidden really failed. 3: it did not, and only an operator
   * who says so runs code. (2 is a jail of namespaces alone, which Assay does not have.)
   */
  readonly tier: 1 | 3;
  /** Why the tier is not 1, or what holds. */
  readonly reason: string;
  /** Whether submissions can be run at all. */
  readonly runs: boolean;
  readonly python: string;
  /** Its path, or the socket of the exec container that has it. */
  readonly interpreter: string;
  readonly landlock: number;
  readonly seccomp: boolean;
  readonly namespaces: readonly string[];
  /** What is forbidden and yet was possible. */
  readonly allowed: readonly string[];
}

const SCRIPT = new URL('./jail/probe.py', import.meta.url);
const LIMITS: Limits = { cpuMs: 2_000, wallMs: 10_000, memoryBytes: 512 << 20, outputBytes: 64 << 10 };
const NONCE = 'probe';

const EXPECTED: readonly { readonly status: Verdict['status']; readonly submission: Submission }[] = [
  { status: 'OK', submission: { source: 'print(1)', limits: LIMITS } },
  { status: 'TLE', submission: { source: 'while True: pass', limits: { ...LIMITS, cpuMs: 50 } } },
  { status: 'TLE', submission: { source: 'import time; time.sleep(60)', limits: { ...LIMITS, wallMs: 50 } } },
  { status: 'MLE', submission: { source: 'bytearray(1 << 40)', limits: LIMITS } },
  { status: 'OLE', submission: { source: 'while True: print("x" * 999)', limits: LIMITS } },
  { status: 'AC', submission: withTests('def f(x): return x + 1') },
  { status: 'WA', submission: withTests('def f(x): return x') },
  { status: 'RE', submission: withTests('import os; os._exit(0)') },
];

function withTests(source: string): Submission {
  return { source, tests: { source: 'assert f(1) == 2', entry: 'f', helpers: '' }, limits: LIMITS };
}

/** Starts the jail of one interpreter and tries to break out of it; `signal` gives up waiting for it. */
export async function probe(pool: Pool, interpreter: string, signal?: AbortSignal): Promise<JailReport> {
  const weak = {
    tier: 3,
    runs: false,
    python: '',
    interpreter,
    landlock: 0,
    seccomp: false,
    namespaces: [],
    allowed: [],
  } as const;
  try {
    const hello = await pool.warm(signal);
    const known = { ...weak, ...layersOf(hello) };
    const broken = await unexpected(pool);
    if (broken !== null) return { ...known, reason: broken };
    const allowed = await whatIsAllowed(pool);
    if (typeof allowed === 'string') return { ...known, runs: true, reason: allowed };
    if (allowed.length > 0) {
      return { ...known, runs: true, allowed, reason: `a submission could: ${allowed.join(', ')}` };
    }
    return { ...known, tier: 1, runs: true, reason: describe(hello) };
  } catch (error) {
    return { ...weak, reason: error instanceof Error ? error.message : String(error) };
  }
}

function layersOf({ python, landlock, seccomp, namespaces }: Hello) {
  return { python, landlock, seccomp, namespaces };
}

async function unexpected(pool: Pool): Promise<string | null> {
  const verdicts = await Promise.all(
    EXPECTED.map(async ({ submission }) => judge(await pool.once(submission, NONCE), submission, NONCE)),
  );
  const n = verdicts.findIndex((verdict, i) => verdict.status !== EXPECTED[i]?.status);
  const verdict = verdicts[n];
  if (verdict === undefined) return null;
  return `a trial that should end ${EXPECTED[n]?.status} ended ${verdict.status} (${verdict.detail})`;
}

/** What a submission could do that it must not, or why that is not known. */
async function whatIsAllowed(pool: Pool): Promise<readonly string[] | string> {
  const submission: Submission = { source: await readFile(SCRIPT), limits: LIMITS };
  const done = await pool.once(submission, NONCE);
  const verdict = judge(done, submission, NONCE);
  if (verdict.status !== 'OK')
    return `the trial of what is forbidden ended ${verdict.status} (${verdict.detail})`;
  const { allowed, tried }: { allowed: string[]; tried: number } = JSON.parse(done.stdout.toString('utf8'));
  return tried > 20 ? allowed : `only ${tried} trials of what is forbidden were made`;
}

function describe(hello: Hello): string {
  const spaces = hello.namespaces.length === 0 ? '' : `, ${hello.namespaces.join('+')} namespaces`;
  return `rlimits, Landlock ABI ${hello.landlock}, seccomp${spaces}`;
}
