import type { Command } from 'commander';
import { call } from '@assay/lib/rpc';
import { ListModelsResponse, ListTasksResponse } from '@assay/proto/assay/v1/catalog';
import { line, withClients, type GlobalOptions, type Io } from '../io.ts';
import { uploadFolder } from '../upload.ts';
import { plain } from '../view/plain.ts';
import { table } from '../view/table.ts';

const settings = (io: Io) => ({ deadlineMs: 30_000, signal: io.interrupted });

export function tasksCommand(program: Command, io: Io): void {
  program
    .command('tasks')
    .description('List the tasks of the catalog, and of a folder of your own')
    .option('--tasks-dir <folder>', 'also list the tasks of this folder')
    .addHelpText('after', '\nExamples:\n  assay tasks\n  assay tasks --tasks-dir ./tasks --json')
    .action((_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { readonly tasksDir?: string }>();
      return withClients(io, options, async (clients) => {
        const bundle =
          options.tasksDir === undefined ? '' : await uploadFolder(clients, options.tasksDir, io.interrupted);
        const answer = await call(clients.catalog, 'listTasks', { bundle }, settings(io));
        if (options.json === true) return line(io, JSON.stringify(ListTasksResponse.toJSON(answer)));
        const rows = answer.tasks.map((task) => [
          plain(task.name),
          plain(task.outputType),
          plain(task.file),
          plain(task.unsupported === '' ? task.description : `cannot run: ${task.unsupported}`),
        ]);
        for (const text of table(['task', 'output', 'file', 'what it is'], rows)) line(io, text);
      });
    });
}

export function modelsCommand(program: Command, io: Io): void {
  program
    .command('models')
    .description('List the models of the catalog and the devices they run on')
    .addHelpText('after', '\nExamples:\n  assay models\n  assay models --json')
    .action((_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClients(io, options, async (clients) => {
        const answer = await call(clients.catalog, 'listModels', {}, settings(io));
        if (options.json === true) return line(io, JSON.stringify(ListModelsResponse.toJSON(answer)));
        const rows = answer.models.map((model) => [
          plain(model.name),
          model.devices.map(plain).join(','),
          plain(model.license),
          plain(model.description),
        ]);
        for (const text of table(['model', 'devices', 'licence', 'what it is'], rows)) line(io, text);
      });
    });
}
