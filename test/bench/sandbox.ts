import { createLog } from '@assay/lib/log';
import { openJail, type Jail, type Limits, type Submission } from '@assay/lib/python';
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CODE, codeDoc, generation } from '../integration/sandbox-builders.ts';
import { PARTITION, Stage } from '../integration/sandbox-support.ts';

const LIMITS: Limits = { cpuMs: 3_000, wallMs: 20_000, memoryBytes: 512 << 20, outputBytes: 1 << 20 };
const PROGRAM: Submission = {
  source: 'a, b = map(int, input().split())\nprint(a + b)',
  stdin: Buffer.from('3 4\n'),
  limits: LIMITS,
};
const TESTED: Submission = {
  source: 'def add(a, b):\n    return a + b',
  tests: { source: 'assert add(3, 4) == 7', entry: 'add', helpers: '' },
  limits: LIMITS,
};
const ROUNDS = 5;
const LEDGER_SAMPLES = 3_000;

interface Measured {
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
}

/**
 * Trivial submissions against the plain start of the same interpreter. Rounds alternate, so that whatever else the
 * machine does weighs on all; what is per second is the median over the rounds, with a few submissions waiting for each
 * slot, measured
 * - `jail_programs`: from the driver of lib/python to its verdict, one process each;
 * - `jail_tested`: the same with tests, so with a second process, the judge;
 * - `bare_spawns`: `python3 -c pass` from Node, as many as there are cores side by side;
 * - `ledger_tested`: a whole sandbox service, from generations that lie in the ledger to their scores in the other.
 * Latencies are of `jail_programs` one at a time.
 */
export async function run(): Promise<{ figures: Record<string, number>; ratios: Record<string, number> }> {
  const slots = availableParallelism();
  const log = createLog({ service: 'bench', level: 'silent', pretty: false });
  const jail = await openJail({ path: process.env['PATH'] ?? '', slots, log });
  try {
    if (jail.report.tier !== 1) throw new Error(`the jail does not reach tier 1 here: ${jail.report.reason}`);
    const programs: Measured[] = [];
    const tested: Measured[] = [];
    const spawns: Measured[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      programs.push(await measure(600, slots * 3, async () => await execute(jail, PROGRAM, 'OK')));
      tested.push(await measure(300, slots * 3, async () => await execute(jail, TESTED, 'AC')));
      spawns.push(await measure(60, slots, async () => await startPython(jail.report.interpreter)));
    }
    const alone = await measure(300, 1, async () => await execute(jail, PROGRAM, 'OK'));
    return summary({ programs, tested, spawns, alone, ledger: await throughLedgers() });
  } finally {
    await jail.close();
  }
}

interface Rounds {
  readonly programs: readonly Measured[];
  readonly tested: readonly Measured[];
  readonly spawns: readonly Measured[];
  readonly alone: Measured;
  readonly ledger: number;
}

function summary({ programs, tested, spawns, alone, ledger }: Rounds) {
  const rate = (rounds: readonly Measured[]): number =>
    quantile(
      rounds.map(({ perSecond }) => perSecond),
      0.5,
    );
  return {
    figures: {
      jail_programs_per_s: rate(programs),
      jail_programs_per_s_best_round: Math.max(...programs.map(({ perSecond }) => perSecond)),
      jail_tested_per_s: rate(tested),
      ledger_tested_per_s: ledger,
      bare_spawns_per_s: rate(spawns),
      jail_program_p50_ms: quantile(alone.latenciesMs, 0.5),
      jail_program_p99_ms: quantile(alone.latenciesMs, 0.99),
    },
    ratios: {
      jail_programs_vs_bare_spawns: rate(programs) / rate(spawns),
      jail_tested_vs_bare_spawns: rate(tested) / rate(spawns),
      ledger_tested_vs_jail_tested: ledger / rate(tested),
    },
  };
}

/** Samples a second of a service that has just started, from its first score to its last. */
async function throughLedgers(): Promise<number> {
  const stage = await Stage.open();
  try {
    const numbers = Array.from({ length: LEDGER_SAMPLES }, (_, doc) => doc);
    const docs = await stage.putDocs('code', CODE, numbers.map(codeDoc));
    const answer = 'def add(a, b):\n    return a + b';
    await stage.store(
      ...numbers.map((doc) => generation({ job: 'bench', doc, docs, kind: 'execute' }, answer)),
    );
    await stage.sandbox();
    const scores = stage.bus.scores(PARTITION);
    let first = { at: 0, stored: 0 };
    for (;;) {
      const { messages } = await scores.usage();
      const at = performance.now();
      if (messages > 0 && first.at === 0) first = { at, stored: messages };
      if (messages >= LEDGER_SAMPLES) return ((messages - first.stored) / (at - first.at)) * 1000;
      await sleep(20);
    }
  } finally {
    await stage.close();
  }
}

async function measure(count: number, sideBySide: number, act: () => Promise<void>): Promise<Measured> {
  const latenciesMs: number[] = [];
  let left = count;
  const begin = performance.now();
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const start = performance.now();
      await act();
      latenciesMs.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, lane));
  return { perSecond: (count / (performance.now() - begin)) * 1000, latenciesMs };
}

async function execute(jail: Jail, submission: Submission, expected: string): Promise<void> {
  const { status, detail, stdout } = await jail.run(submission);
  const right = expected === 'AC' || Buffer.from(stdout).toString() === '7\n';
  if (status !== expected || !right) throw new Error(`a trivial submission ended ${status}: ${detail}`);
}

async function startPython(interpreter: string): Promise<void> {
  const child = spawn(interpreter, ['-c', 'pass'], { stdio: 'ignore' });
  const code = await new Promise((done) => child.once('exit', done));
  if (code !== 0) throw new Error(`python3 -c pass ended with ${String(code)}`);
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
