import type { Kind, TaskSelection } from '@assay/lib/domain';
import { indexTasks } from './config/index-files.ts';
import type { TaskFiles } from './files.ts';
import { readyTask, renderItems } from './open.ts';
import { Problems, type TaskProblem } from './problem.ts';

export interface TaskCheck {
  readonly problems: readonly TaskProblem[];
  /** Files that the tasks need: their YAML, what it includes, their data. */
  readonly closure: readonly string[];
  /** How each selection is scored, in order; `score` for one that has problems. */
  readonly kinds: readonly Kind[];
}

/**
 * Checks all selections and tells every problem at once: configuration, templates, data files line by line, few-shot
 * pools, and the prompt of each task's first document.
 */
export async function checkTasks(files: TaskFiles, selections: readonly TaskSelection[]): Promise<TaskCheck> {
  const index = await indexTasks(files);
  const all: TaskProblem[] = [];
  const closure = new Set<string>();
  const kinds: Kind[] = [];
  for (const [at, selection] of selections.entries()) {
    const problems = new Problems();
    const task = await readyTask(files, index, selection, problems);
    if (task !== undefined) {
      try {
        for (const _ of renderItems(task, 0, 1));
      } catch (thrown) {
        problems.caught(thrown, task.config.evalSplit.place);
      }
      for (const { files: data } of task.config.data) for (const { path } of data) closure.add(path);
    }
    const named = index.names.get(selection.name);
    if (named?.kind === 'task') for (const path of named.source.closure) closure.add(path);
    kinds.push(task?.config.assay.code === undefined ? 'score' : 'execute');
    for (const problem of problems.list) all.push({ ...problem, index: at });
  }
  return { problems: all, closure: [...closure], kinds };
}
