import type { Command } from 'commander';
import { call } from '@assay/lib/rpc';
import { JobState } from '@assay/proto/assay/v1/job';
import type { Result } from '@assay/proto/assay/v1/result';
import type { Clients } from '../clients.ts';
import { EXIT } from '../exit.ts';
import { line, withClients, type GlobalOptions, type Io } from '../io.ts';
import { finalTable } from '../view/final.ts';
import { isOver, watchJob } from '../watch.ts';

export function watchCommand(program: Command, io: Io): void {
  program
    .command('watch <job>')
    .description('Follow a job to its end; Ctrl-C stops watching, not the job')
    .addHelpText(
      'after',
      '\nExamples:\n  assay watch abcdefgh2345\n  assay watch abcdefgh2345 --json | jq .state',
    )
    .action((job: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClients(io, options, (clients) => follow(io, clients, job, options.json === true));
    });
}

/** Watches, prints the end, and sets the exit code by it. */
export async function follow(io: Io, clients: Clients, jobId: string, json: boolean): Promise<void> {
  const job = await watchJob(clients, jobId, { out: io.out, signal: io.interrupted, json });
  if (!isOver(job)) {
    if (!json)
      io.err(
        `stopped watching; the job goes on. \`assay watch ${job.id}\` looks again, \`assay cancel ${job.id}\` ends it`,
      );
    io.setExitCode(EXIT.interrupted);
    return;
  }
  if (job.state === JobState.FAILED) io.setExitCode(EXIT.failed);
  if (job.state === JobState.CANCELLED) io.setExitCode(EXIT.cancelled);
  if (json) return;
  line(io, '');
  for (const text of finalTable(job, await finalResult(clients, job.id))) line(io, text);
}

export async function finalResult(clients: Clients, jobId: string): Promise<Result | null> {
  return call(clients.results, 'getResult', { jobId }, { deadlineMs: 10_000 }).then(
    (answer) => answer.result ?? null,
    () => null,
  );
}
