import path from 'node:path';
import type { Command } from 'commander';
import { line, type GlobalOptions, type Io } from '../io.ts';
import { LOGS, logLines } from '../local/logs.ts';
import { reset } from '../local/reset.ts';
import { startLocal } from '../local/run.ts';
import { down, status, up, type LocalStatus } from '../local/up.ts';
import { wrong } from '../options.ts';
import { HOME, stateFolder } from '../state-folder.ts';
import { plain } from '../view/plain.ts';
import { table } from '../view/table.ts';

const MAIN = path.join(import.meta.dirname, '..', 'main.ts');

export function localCommand(program: Command, io: Io): void {
  const local = program
    .command('local')
    .description('Run all of Assay on this machine: a broker, four services, an embedded database');
  const stateOf = (command: Command) => stateFolder(command.optsWithGlobals<GlobalOptions>().state, io.env);

  local
    .command('up')
    .description('Start everything and wait until it is ready; does nothing when it runs')
    .addHelpText('after', '\nExamples:\n  assay local up\n  assay local up --state /tmp/assay')
    .action(async (_: unknown, command: Command) =>
      show(
        io,
        command,
        await up({ state: stateOf(command), main: MAIN, env: io.env, signal: io.interrupted }),
      ),
    );
  local
    .command('down')
    .description('Stop everything; jobs that run resume at the next start')
    .addHelpText('after', '\nExamples:\n  assay local down')
    .action(async (_: unknown, command: Command) => {
      const stopped = await down(stateOf(command), io.interrupted);
      line(io, isJson(command) ? JSON.stringify({ stopped }) : stopped ? 'stopped' : 'nothing ran');
    });
  local
    .command('status')
    .description('Say what runs, where, and what is not ready')
    .addHelpText('after', '\nExamples:\n  assay local status\n  assay local status --json')
    .action(async (_: unknown, command: Command) => {
      const now = await status(stateOf(command));
      show(io, command, now);
      if (!now.running || now.services.some((service) => !service.ready)) io.setExitCode(1);
    });
  local
    .command('logs [service...]')
    .description(`Print the last lines of ${LOGS.join(', ')}`)
    .option('--follow', 'go on with what is added')
    .addHelpText('after', '\nExamples:\n  assay local logs scheduler\n  assay local logs --follow')
    .action((names: readonly string[], _: unknown, command: Command) =>
      logs(io, command, stateOf(command), names),
    );
  local
    .command('reset')
    .description('Delete all jobs, results and logs of the state folder; what was fetched stays')
    .addHelpText('after', '\nExamples:\n  assay local reset')
    .action(async (_: unknown, command: Command) => {
      const state = stateOf(command);
      await reset(state);
      line(io, isJson(command) ? JSON.stringify({ state, empty: true }) : `${state} is empty`);
    });
  local.command('run', { hidden: true }).action(async (_: unknown, command: Command) => {
    const broken = new AbortController();
    const { ready, done } = await startLocal(
      { state: stateOf(command), home: HOME, env: io.env },
      AbortSignal.any([io.interrupted, broken.signal]),
    );
    try {
      await ready;
    } catch (error) {
      broken.abort();
      await done;
      throw error;
    }
    await done;
    // Ended because it was told to: nothing went wrong.
    io.setExitCode(0);
  });
}

function show(io: Io, command: Command, now: LocalStatus): void {
  if (isJson(command)) return line(io, JSON.stringify(now));
  line(io, now.running ? `runs in ${now.state} (process ${now.pid})` : `does not run (${now.state})`);
  const rows = now.services.map(({ name, ready, ops, reason }) => [
    name,
    ready ? 'ready' : plain(reason),
    ops === '' ? '' : `http://${ops}/metrics`,
  ]);
  for (const text of table(['service', 'state', 'metrics'], rows)) line(io, text);
}

async function logs(io: Io, command: Command, state: string, names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !LOGS.some((known) => known === name));
  if (unknown.length > 0) throw wrong('service', `${unknown.join(', ')} is not one of ${LOGS.join(', ')}`);
  const follow = command.opts<{ readonly follow?: boolean }>().follow === true;
  for await (const { name, line: text } of logLines(state, names.length === 0 ? LOGS : names, {
    follow,
    signal: io.interrupted,
  })) {
    line(io, isJson(command) ? JSON.stringify({ log: name, line: text }) : `${name}: ${plain(text)}`);
  }
}

function isJson(command: Command): boolean {
  return command.optsWithGlobals<GlobalOptions>().json === true;
}
