import type { Command } from 'commander';
import { AssayError } from '@assay/lib/errors';
import { call, callStream, type CallSettings } from '@assay/lib/rpc';
import { JobState } from '@assay/proto/assay/v1/job';
import { Result } from '@assay/proto/assay/v1/result';
import type { Clients } from '../clients.ts';
import { line, withClients, type GlobalOptions, type Io } from '../io.ts';
import { parseWhole, wrong } from '../options.ts';
import { writeReport } from '../report-folder.ts';
import { stateName } from '../view/live.ts';
import { plain, plainJson } from '../view/plain.ts';
import { isOver } from '../watch.ts';

interface ReportOptions extends GlobalOptions {
  readonly format: string;
  readonly output?: string;
}

export function reportCommand(program: Command, io: Io): void {
  program
    .command('report <job>')
    .description("Print a job's report, or write it with its samples to a folder")
    .option('--format <format>', 'markdown, or json in the form of lm-evaluation-harness', 'markdown')
    .option('--output <folder>', 'write report.md, results.json and samples_*.jsonl there')
    .addHelpText(
      'after',
      '\nExamples:\n  assay report abcdefgh2345\n  assay report abcdefgh2345 --format json\n  assay report abcdefgh2345 --output ./report',
    )
    .action((id: string, _: unknown, command: Command) =>
      report(io, id, command.optsWithGlobals<ReportOptions>()),
    );
}

async function report(io: Io, id: string, options: ReportOptions): Promise<void> {
  const { format, output } = options;
  if (format !== 'markdown' && format !== 'json')
    throw wrong('--format', `"${format}" is neither markdown nor json`);
  await withClients(io, options, async (clients) => {
    const settings = { deadlineMs: 30_000, signal: io.interrupted };
    const result = await resultOf(clients, id, settings);
    if (output === undefined && options.json === true) return line(io, JSON.stringify(Result.toJSON(result)));
    if (!result.final) throw await withoutReport(clients, id, settings, notFinal(id));
    if (output !== undefined) {
      const files = await writeReport(clients, result, output, io.interrupted);
      return line(io, options.json === true ? JSON.stringify({ files }) : files.map(plain).join('\n'));
    }
    if (format === 'json') return line(io, io.out.isTty ? plainJson(result.resultsJson) : result.resultsJson);
    // The report's own line breaks stay; what a terminal would obey does not.
    return line(io, result.reportMarkdown.split('\n').map(plain).join('\n'));
  });
}

async function resultOf(clients: Clients, id: string, settings: CallSettings): Promise<Result> {
  try {
    const { result } = await call(clients.results, 'getResult', { jobId: id }, settings);
    if (result !== undefined) return result;
  } catch (error) {
    const fault = AssayError.from(error);
    throw fault.reason === 'NOT_FOUND' ? await withoutReport(clients, id, settings, fault) : fault;
  }
  throw new AssayError('NOT_FOUND', `job ${plain(id)} has no result`);
}

/** Why there is no report: the job's end when it has ended, else what is known already. */
async function withoutReport(
  clients: Clients,
  id: string,
  settings: CallSettings,
  otherwise: AssayError,
): Promise<AssayError> {
  const { job } = await call(clients.jobs, 'getJob', { jobId: id }, settings).catch(() => ({
    job: undefined,
  }));
  if (job === undefined || !isOver(job) || job.state === JobState.SUCCEEDED) return otherwise;
  const end = `${stateName(job.state)} (${job.reason}): ${job.detail}`;
  return new AssayError('NOT_FOUND', `job ${id} ended without a report: ${end}`);
}

function notFinal(id: string): AssayError {
  return new AssayError(
    'NOT_FOUND',
    `job ${plain(id)} is not over, so it has no report yet; \`assay watch ${plain(id)}\` follows it, \`assay report ${plain(id)} --json\` shows the numbers so far`,
  );
}

interface SamplesOptions extends GlobalOptions {
  readonly task?: string;
  readonly failed?: boolean;
  readonly unscored?: boolean;
  readonly limit?: string;
}

export function samplesCommand(program: Command, io: Io): void {
  program
    .command('samples <job>')
    .description('Print samples, one JSON object a line, as lm-evaluation-harness logs them')
    .option('--task <name>', 'only this task')
    .option('--failed', 'only those whose first metric is 0')
    .option('--unscored', 'only those left unscored')
    .option('--limit <n>', 'at most n')
    .addHelpText(
      'after',
      '\nExamples:\n  assay samples abcdefgh2345 --failed --limit 3\n  assay samples abcdefgh2345 --task demo_code | jq .resps',
    )
    .action((id: string, _: unknown, command: Command) =>
      samples(io, id, command.optsWithGlobals<SamplesOptions>()),
    );
}

async function samples(io: Io, id: string, options: SamplesOptions): Promise<void> {
  let left = options.limit === undefined ? Number.POSITIVE_INFINITY : parseWhole('--limit', options.limit, 1);
  const request = {
    jobId: id,
    task: options.task ?? '',
    failedOnly: options.failed === true,
    unscoredOnly: options.unscored === true,
  };
  await withClients(io, options, async (clients) => {
    const rows = callStream(clients.results, 'streamSamples', request, { signal: io.interrupted });
    for await (const { json } of rows) {
      const row = json.trimEnd();
      line(io, io.out.isTty ? plainJson(row) : row);
      left -= 1;
      if (left <= 0) return;
    }
  });
}
