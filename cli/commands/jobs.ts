import type { Command } from 'commander';
import { AssayError } from '@assay/lib/errors';
import { call } from '@assay/lib/rpc';
import { Job, JobState } from '@assay/proto/assay/v1/job';
import type { Clients } from '../clients.ts';
import { line, withClients, type GlobalOptions, type Io } from '../io.ts';
import { parseWhole, wrong } from '../options.ts';
import { stateName } from '../view/live.ts';
import { phaseLine } from '../view/start.ts';
import { plain } from '../view/plain.ts';
import { table } from '../view/table.ts';
import { isOver } from '../watch.ts';

const settings = (io: Io) => ({ deadlineMs: 10_000, signal: io.interrupted });
const MOST_ON_A_PAGE = 500;

export function jobsCommand(program: Command, io: Io): void {
  program
    .command('jobs')
    .description('List jobs, newest first')
    .option('--only <state>', 'only this state, such as running or failed')
    .option('--limit <n>', 'at most n', '20')
    .addHelpText('after', '\nExamples:\n  assay jobs\n  assay jobs --only failed --json')
    .action((_: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        GlobalOptions & { readonly only?: string; readonly limit: string }
      >();
      const limit = parseWhole('--limit', options.limit, 1);
      const state = stateOf(options.only);
      return withClients(io, options, async (clients) => {
        const jobs = await newest(clients, limit, state, io);
        if (options.json === true) return line(io, JSON.stringify(jobs.map((job) => Job.toJSON(job))));
        const rows = jobs.map((job) => [
          plain(job.id),
          stateName(job.state),
          plain(job.model),
          job.tasks.map((task) => plain(task.name)).join(','),
          job.createTime ?? '',
          plain(job.reason),
        ]);
        for (const text of rows.length === 0
          ? ['no jobs']
          : table(['job', 'state', 'model', 'tasks', 'created', 'reason'], rows))
          line(io, text);
      });
    });
}

async function newest(clients: Clients, limit: number, state: JobState, io: Io): Promise<Job[]> {
  const jobs: Job[] = [];
  let pageToken = '';
  while (jobs.length < limit) {
    const pageSize = Math.min(MOST_ON_A_PAGE, limit - jobs.length);
    const page = await call(clients.jobs, 'listJobs', { pageSize, pageToken, state }, settings(io));
    jobs.push(...page.jobs);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  return jobs.slice(0, limit);
}

export function jobCommand(program: Command, io: Io): void {
  program
    .command('job <job>')
    .description('Show a job: its state, why, its history')
    .addHelpText('after', '\nExamples:\n  assay job abcdefgh2345\n  assay job abcdefgh2345 --json')
    .action((id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClients(io, options, async (clients) => {
        const { job } = await call(clients.jobs, 'getJob', { jobId: id }, settings(io));
        if (job === undefined) throw notFound(id);
        if (options.json === true) return line(io, JSON.stringify(Job.toJSON(job)));
        for (const text of described(job)) line(io, text);
      });
    });
}

export function cancelCommand(program: Command, io: Io): void {
  program
    .command('cancel <job>')
    .description('Cancel a job; a finished one is left as it is')
    .addHelpText('after', '\nExamples:\n  assay cancel abcdefgh2345')
    .action((id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClients(io, options, async (clients) => {
        const { job } = await call(clients.jobs, 'cancelJob', { jobId: id }, settings(io));
        if (job === undefined) throw notFound(id);
        line(
          io,
          options.json === true
            ? JSON.stringify(Job.toJSON(job))
            : isOver(job)
              ? `job ${plain(job.id)} is over already: ${stateName(job.state)}`
              : `job ${plain(job.id)} is being cancelled; \`assay watch ${plain(job.id)}\` follows it`,
        );
      });
    });
}

function notFound(id: string): AssayError {
  return new AssayError('NOT_FOUND', `there is no job ${id}; \`assay jobs\` lists them`);
}

function described(job: Job): string[] {
  const where =
    job.endpoint === ''
      ? `${plain(job.model)} on ${plain(job.device)}`
      : `${plain(job.model)} at ${plain(job.endpoint)}`;
  return [
    `job ${job.id}  ${stateName(job.state)}  ${where}`,
    `  ${plain(job.reason)}: ${plain(job.detail)}${job.queuePosition > 0 ? ` (position ${job.queuePosition})` : ''}`,
    ...job.tasks.map(
      (task) =>
        `  ${plain(task.name)}: ${task.generated}/${task.samples} generated, ${task.scored}/${task.scores} scored`,
    ),
    ...(job.start.length === 0 ? [] : [`  model server${job.node === '' ? '' : ` on ${plain(job.node)}`}:`]),
    ...job.start.map((phase) => `    ${phaseLine(phase, Date.now())}`),
    '  history:',
    ...job.transitions.map(
      (edge) =>
        `    ${edge.time ?? ''}  ${stateName(edge.to).padEnd(10)} ${plain(edge.reason)}: ${plain(edge.detail)}`,
    ),
  ];
}

const STATES = Object.values(JobState)
  .filter((state) => state !== JobState.UNSPECIFIED && state !== JobState.UNRECOGNIZED)
  .map((state) => stateName(state).toLowerCase());

function stateOf(text: string | undefined): JobState {
  if (text === undefined) return JobState.UNSPECIFIED;
  const wanted = text.toLowerCase();
  const found = Object.values(JobState).find((state) => stateName(state).toLowerCase() === wanted);
  if (found !== undefined && STATES.includes(wanted)) return found;
  throw wrong('--only', `"${text}" is not a state of a job; the states are ${STATES.join(', ')}`);
}
