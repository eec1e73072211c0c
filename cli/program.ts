import { Command, CommanderError, Option } from 'commander';
import { AssayError } from '@assay/lib/errors';
import { modelsCommand, tasksCommand } from './commands/catalog.ts';
import { cancelCommand, jobCommand, jobsCommand } from './commands/jobs.ts';
import { localCommand } from './commands/local.ts';
import { reportCommand, samplesCommand } from './commands/results.ts';
import { submitCommand } from './commands/submit.ts';
import { watchCommand } from './commands/watch.ts';
import { errorJson, errorLines, EXIT, exitCodeOf } from './exit.ts';
import type { Io } from './io.ts';

const FOOTER = `
Where Assay is: --scheduler and --reporter (or --address for both), or --kube-context and --kube-namespace for ports of its own to a
                cluster; else ASSAY_SCHEDULER and so on; else the file that \`assay local up\` writes.
Who you are: --token-file, --token or --kube-service-account, else ASSAY_TOKEN, ASSAY_TOKEN_FILE or ASSAY_KUBE_SERVICE_ACCOUNT, else
             the same file.

Exit codes: 0 done · 1 the job failed, or the request was refused · 2 wrong usage · 3 not reachable or not allowed ·
            4 the job was cancelled · 130 interrupted

Examples:
  assay local up
  assay submit --model smollm2-135m-instruct --tasks demo_choices
  assay jobs --json`;

/** Runs one command line. Never throws: every failure is a line that says what to do, and an exit code. */
export async function run(args: readonly string[], io: Io): Promise<void> {
  const json = args.includes('--json');
  const program = programOf(io, json);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      const wrong = error.exitCode !== 0;
      if (wrong && json) io.out.write(`${errorJson(usageError(error))}\n`);
      io.setExitCode(wrong ? EXIT.usage : EXIT.done);
      return;
    }
    const fault = AssayError.from(error);
    if (io.interrupted.aborted) {
      io.err('interrupted');
      io.setExitCode(EXIT.interrupted);
      return;
    }
    if (json) io.out.write(`${errorJson(fault)}\n`);
    else for (const text of errorLines(fault)) io.err(text);
    io.setExitCode(
      fault.reason === 'INVALID_REQUEST' && fault.violations.length === 0 ? EXIT.usage : exitCodeOf(fault),
    );
  }
}

function usageError({ code, message }: CommanderError): AssayError {
  return new AssayError(
    'INVALID_REQUEST',
    code === 'commander.help' ? 'no command; `assay --help` lists them' : message.replace(/^error: /, ''),
  );
}

function programOf(io: Io, json: boolean): Command {
  const program = new Command('assay')
    .description('Evaluate language models: submit jobs, follow them, read what they found')
    .addHelpText('after', FOOTER)
    .configureOutput({
      writeOut: (text) => io.out.write(text), // In JSON the error says it all.
      writeErr: (text) => json || io.err(text.trimEnd()),
    })
    .showSuggestionAfterError()
    .showHelpAfterError('(`assay --help` lists the commands)')
    .exitOverride();
  for (const [flags, description] of GLOBALS) program.option(flags, description);
  for (const add of [
    submitCommand,
    watchCommand,
    jobsCommand,
    jobCommand,
    cancelCommand,
    reportCommand,
    samplesCommand,
    tasksCommand,
    modelsCommand,
    localCommand,
  ])
    add(program, io);
  for (const command of program.commands) inherit(command);
  return program;
}

const GLOBALS = [
  ['--json', 'machine-readable output'],
  ['--scheduler <address>', 'host:port of the scheduler'],
  ['--reporter <address>', 'host:port of the reporter'],
  ['--address <address>', 'host:port that serves both'],
  ['--kube-context <name>', 'context of the kubeconfig: ports are forwarded from its cluster'],
  ['--kube-namespace <name>', 'where Assay is installed there; default assay'],
  ['--kube-service-account <name>', 'be this service account, [namespace/]name: its token is asked for'],
  ['--token <token>', 'what the services ask for; better --token-file'],
  ['--token-file <file>', 'file that holds it'],
  ['--state <folder>', 'folder of the local state; default .assay in a checkout'],
] as const;

// Global options may stand before or after the command's name.
function inherit(command: Command): void {
  command.exitOverride().showSuggestionAfterError().configureHelp({ showGlobalOptions: true });
  const own = new Set(command.options.map((option) => option.long));
  for (const [flags, description] of GLOBALS) {
    if (!own.has(flags.split(' ')[0])) command.addOption(new Option(flags, description).hideHelp());
  }
  for (const child of command.commands) inherit(child);
}
