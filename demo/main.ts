// The demo: starts all of Assay on this machine, has a small real model evaluated, and shows what it found.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { connect, type Clients } from '@assay/cli/clients';
import { errorLines, EXIT, exitCodeOf } from '@assay/cli/exit';
import { layoutOf, type Layout } from '@assay/cli/local/layout';
import { startLocal } from '@assay/cli/local/run';
import { SERVICES } from '@assay/cli/local/services';
import { writeWhole } from '@assay/cli/local/state';
import { opsAddress, type Supervisor } from '@assay/cli/local/supervisor';
import { takeTurn } from '@assay/cli/local/turn';
import { supervisorOf, whenReady } from '@assay/cli/local/up';
import { HOME, stateFolder } from '@assay/cli/state-folder';
import { finalTable } from '@assay/cli/view/final';
import { stateName } from '@assay/cli/view/live';
import { isOver, watchJob, type Screen } from '@assay/cli/watch';
import { finalResult } from '@assay/cli/commands/watch';
import { AssayError } from '@assay/lib/errors';
import { call } from '@assay/lib/rpc';
import { JobState, type Job } from '@assay/proto/assay/v1/job';

const MODEL = 'smollm2-135m-instruct';
const TASKS = ['demo_generate', 'demo_choices', 'demo_code'];

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error(signal)));
}
// A terminal that is gone, or a reader that has seen enough: what was started is stopped all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => interrupted.abort(error));
}
const screen: Screen = {
  write: (text) => void process.stdout.write(text),
  isTty: process.stdout.isTTY && process.env['TERM'] !== 'dumb',
  color: (process.env['NO_COLOR'] ?? '') === '',
  get height() {
    return process.stdout.rows > 0 ? process.stdout.rows : undefined;
  },
  get width() {
    // Some terminals say 0 for what they do not know.
    return process.stdout.columns > 0 ? process.stdout.columns : 120;
  },
};
const say = (text: string) => screen.write(`${text}\n`);

try {
  process.exitCode = await demo();
} catch (error) {
  const fault = AssayError.from(error);
  for (const text of errorLines(fault)) process.stderr.write(`${text}\n`);
  process.exitCode = interrupted.signal.aborted ? EXIT.interrupted : exitCodeOf(fault);
}

async function demo(): Promise<number> {
  const layout = layoutOf(stateFolder(undefined, process.env));
  // Two would both start services, and the first to end would stop those of the other.
  const turn = await takeTurn(path.join(layout.root, 'demo.lock'));
  if (turn.holder !== null) {
    say(`another demo is at work here (process ${turn.holder}): look there, or end it and run this again`);
    return EXIT.failed;
  }
  try {
    return await run(layout);
  } finally {
    await turn.release();
  }
}

async function run(layout: Layout): Promise<number> {
  const running = await supervisorOf(layout);
  const stop = new AbortController();
  // `assay local up` may run already: then it is used, and left running.
  const own = running === null ? await start(layout, stop) : null;
  if (own === null) await whenReady(layout.root, interrupted.signal);
  const clients = await connect({ state: layout.root }, process.env);
  try {
    return await evaluate(layout, clients);
  } finally {
    clients.close();
    if (own !== null) {
      say('stopping the services …');
      stop.abort();
      await own.done;
    }
  }
}

async function start(layout: Layout, stop: AbortController): Promise<Supervisor> {
  say('starting the broker and the four services …');
  const supervisor = await startLocal(
    { state: layout.root, home: HOME, env: process.env, level: 'error' },
    stop.signal,
  );
  const early = () => stop.abort();
  interrupted.signal.addEventListener('abort', early, { once: true });
  try {
    await supervisor.ready;
  } catch (error) {
    stop.abort();
    await supervisor.done;
    throw interrupted.signal.aborted
      ? new AssayError('CANCELLED', 'interrupted while the services started')
      : error;
  }
  interrupted.signal.removeEventListener('abort', early);
  return supervisor;
}

async function evaluate(layout: Layout, clients: Clients): Promise<number> {
  for (const name of SERVICES) say(`  ${name.padEnd(10)} http://${await opsAddress(layout, name)}/metrics`);
  const job = await submit(layout, clients);
  const resumed = job.transitions.length > 1;
  const paused = job.transitions.some((edge) => edge.to === JobState.RUNNING);
  say(
    `${resumed ? 'resuming' : 'evaluating'} ${MODEL} on ${TASKS.join(', ')}; Ctrl-C stops, running again resumes\n`,
  );
  const last = await watchJob(clients, job.id, { out: screen, signal: interrupted.signal, json: false });
  if (!isOver(last)) {
    say(`\ninterrupted in ${stateName(last.state)}; nothing is lost. \`npm run demo\` goes on from here`);
    return EXIT.interrupted;
  }
  say('');
  const result = await finalResult(clients, last.id);
  for (const text of finalTable(last, result, paused)) say(text);
  say(`metrics      ${await keepMetrics(layout, last.id)}`);
  return last.state === JobState.SUCCEEDED ? EXIT.done : EXIT.failed;
}

/** The same request as long as its job is not over, so that running again resumes; a new one after that. */
async function submit(layout: Layout, clients: Clients): Promise<Job> {
  let run = await lastRun(layout.demoFile);
  for (;;) {
    const { job } = await call(
      clients.jobs,
      'submitJob',
      {
        requestId: `demo-${run}`,
        target: { $case: 'catalog', value: { model: MODEL, device: '' } },
        tasks: TASKS.map((name) => ({ name, genKwargsJson: '' })),
        bundle: '',
        seed: undefined,
        validateOnly: false,
        maxConcurrency: 0,
      },
      { deadlineMs: 60_000, signal: interrupted.signal },
    );
    if (job === undefined) throw new AssayError('INTERNAL', 'the scheduler answered without a job');
    await writeWhole(layout.demoFile, JSON.stringify({ run }), 0o644);
    if (!isOver(job)) return job;
    run += 1;
  }
}

// A file that cannot be read counts as none: the jobs of its runs are over, or are found again by their number.
async function lastRun(file: string): Promise<number> {
  const value: unknown = await readFile(file, 'utf8')
    .then((text): unknown => JSON.parse(text))
    .catch(() => null);
  return typeof value === 'object' && value !== null && 'run' in value && typeof value.run === 'number'
    ? value.run
    : 1;
}

/** The metrics as they stood at the end, since the services stop with the demo. */
async function keepMetrics(layout: Layout, jobId: string): Promise<string> {
  const folder = path.join(layout.metrics, jobId);
  await mkdir(folder, { recursive: true });
  for (const name of SERVICES) {
    const response = await fetch(`http://${await opsAddress(layout, name)}/metrics`);
    await writeFile(path.join(folder, `${name}.txt`), await response.text());
  }
  return folder;
}
