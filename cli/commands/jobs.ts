import type { Command } from 'commander';
import { call } from '@assay/lib/rpc';
import { Job, JobState, type ListJobsResponse } from '@assay/proto/assay/v1/job';
import { line, withClients, type GlobalOptions, type Io } from '../io.ts';
import { parseWhole, wrong } from '../options.ts';
import { stateName } from '../view/live.ts';
import { plain } from '../view/plain.ts';
import { table } from '../view/table.ts';

const SETTINGS = { deadlineMs: 10_000 };

export function jobsCommand(program: Command, io: Io): void {
  program
    .command('jobs')
    .description('List jobs, newest first')
    .option('--state <state>', 'only this state, such as running or failed')
    .option('--limit <n>', 'at most n', '20')
    .addHelpText('after', '\nExamples:\n  assay jobs\n  assay jobs --state failed --json')
    .action((_: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        GlobalOptions & { readonly state?: string; readonly limit: string }
      >();
      return withClients(io, { ...options, state: undefined }, async (clients) => {
        const request = {
          pageSize: parseWhole('--limit', options.limit),
          pageToken: '',
          state: stateOf(options.state),
        };
        const { jobs }: ListJobsResponse = await call(clients.jobs, 'listJobs', request, SETTINGS);
        if (options.json === true) return line(io, JSON.stringify(jobs.map((job) => Job.toJSON(job))));
        const rows = jobs.map((job) => [
          job.id,
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

export function jobCommand(program: Command, io: Io): void {
  program
    .command('job <job>')
    .description('Show a job: its state, why, its history')
    .addHelpText('after', '\nExamples:\n  assay job abcdefgh2345\n  assay job abcdefgh2345 --json')
    .action((id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClients(io, options, async (clients) => {
        const { job } = await call(clients.jobs, 'getJob', { jobId: id }, SETTINGS);
        if (job === undefined) throw wrong('job', `${id} was not found`);
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
        const { job } = await call(clients.jobs, 'cancelJob', { jobId: id }, SETTINGS);
        if (job === undefined) throw wrong('job', `${id} was not found`);
        line(
          io,
          options.json === true
            ? JSON.stringify(Job.toJSON(job))
            : `job ${job.id} ${stateName(job.state)}; it is being cancelled unless it is over`,
        );
      });
    });
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
    '  history:',
    ...job.transitions.map(
      (edge) =>
        `    ${edge.time ?? ''}  ${stateName(edge.to).padEnd(10)} ${plain(edge.reason)}: ${plain(edge.detail)}`,
    ),
  ];
}

function stateOf(text: string | undefined): JobState {
  if (text === undefined) return JobState.UNSPECIFIED;
  const found = Object.values(JobState).find((state) => stateName(state) === text.toUpperCase());
  if (found === undefined) throw wrong('--state', `"${text}" is not a state of a job`);
  return found;
}
