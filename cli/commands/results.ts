import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { call, callStream } from '@assay/lib/rpc';
import { Result } from '@assay/proto/assay/v1/result';
import type { Clients } from '../clients.ts';
import { line, withClients, type GlobalOptions, type Io } from '../io.ts';
import { parseWhole, wrong } from '../options.ts';
import { plain } from '../view/plain.ts';

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
    .action((id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        GlobalOptions & { readonly format: string; readonly output?: string }
      >();
      return withClients(io, options, (clients) => report(io, clients, id, options));
    });
}

async function report(
  io: Io,
  clients: Clients,
  id: string,
  options: GlobalOptions & { readonly format: string; readonly output?: string },
): Promise<void> {
  if (options.format !== 'markdown' && options.format !== 'json')
    throw wrong('--format', `"${options.format}" is neither markdown nor json`);
  const { result } = await call(clients.results, 'getResult', { jobId: id }, { deadlineMs: 30_000 });
  if (result === undefined) throw wrong('job', `${id} has no result`);
  if (options.json === true) return line(io, JSON.stringify(Result.toJSON(result)));
  if (!result.final) io.err('the job still runs: these numbers are not final');
  if (options.output !== undefined) return write(io, clients, result, options.output);
  if (options.format === 'json')
    return line(io, result.final ? result.resultsJson : JSON.stringify(Result.toJSON(result)));
  // The report's own Markdown: line breaks stay, control characters do not.
  for (const text of (result.final ? result.reportMarkdown : 'no report yet').split('\n'))
    line(io, plain(text));
}

async function write(io: Io, clients: Clients, result: Result, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'report.md'), result.reportMarkdown);
  await writeFile(path.join(folder, 'results.json'), result.resultsJson);
  for (const { task } of result.tasks) {
    const rows: string[] = [];
    const request = { jobId: result.jobId, task, failedOnly: false, unscoredOnly: false };
    for await (const { json } of callStream(clients.results, 'streamSamples', request))
      rows.push(`${json.trimEnd()}\n`);
    await writeFile(path.join(folder, `samples_${task.replaceAll(/[^\w.-]/g, '_')}.jsonl`), rows);
  }
  line(io, `written to ${folder}`);
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
    .action((id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        GlobalOptions & {
          readonly task?: string;
          readonly failed?: boolean;
          readonly unscored?: boolean;
          readonly limit?: string;
        }
      >();
      return withClients(io, options, async (clients) => {
        let left =
          options.limit === undefined ? Number.POSITIVE_INFINITY : parseWhole('--limit', options.limit);
        const request = {
          jobId: id,
          task: options.task ?? '',
          failedOnly: options.failed === true,
          unscoredOnly: options.unscored === true,
        };
        if (left <= 0) return;
        for await (const { json } of callStream(clients.results, 'streamSamples', request, {
          signal: io.interrupted,
        })) {
          line(io, json.trimEnd());
          if (--left <= 0) return;
        }
      });
    });
}
