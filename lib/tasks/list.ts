import { type Named, indexTasks } from './config/index-files.ts';
import { readConfig } from './config/read-config.ts';
import type { TaskFiles } from './files.ts';
import { Problems } from './problem.ts';

export interface TaskSummary {
  readonly name: string;
  readonly outputType: string;
  readonly description: string;
  readonly file: string;
  /** Why the task cannot run in this version. */
  readonly unsupported?: string;
}

/** The tasks of a bundle by name. Their data is not read; files that cannot be read are passed over. */
export async function listTasks(files: TaskFiles): Promise<TaskSummary[]> {
  const index = await indexTasks(files);
  return [...index.names].flatMap(([name, named]) => {
    if (named.kind !== 'task') return [];
    const problems = new Problems();
    readConfig(named.source, index.known, { name }, problems);
    const [first] = problems.list;
    const text = (key: string): string | undefined => textOf(named, key);
    const summary = {
      name,
      outputType: text('output_type') ?? 'generate_until',
      description: text('description') ?? text('task_alias') ?? '',
      file: named.source.file,
    };
    return [first === undefined ? summary : { ...summary, unsupported: `${first.field}: ${first.message}` }];
  });
}

function textOf(named: Extract<Named, { kind: 'task' }>, key: string): string | undefined {
  const node = named.source.entries.get(key)?.node;
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}
