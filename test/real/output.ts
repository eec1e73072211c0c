import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export type Json = Readonly<Record<string, unknown>>;

/** One line of a `samples_*.jsonl`, as lm-evaluation-harness writes it. */
export interface Sample extends Json {
  readonly doc_id: number;
  readonly filter: string;
}

/** What one run left behind for one task. */
export interface TaskOutput {
  readonly task: string;
  /** The whole results file. */
  readonly results: Json;
  readonly samples: readonly Sample[];
}

/** Reads results and samples of a task from files of lm-evaluation-harness' naming. */
export async function readOutput(task: string, files: readonly string[]): Promise<TaskOutput> {
  const named = (pattern: RegExp) => {
    const found = files.filter((file) => pattern.test(path.basename(file)));
    const [only] = found;
    if (only === undefined || found.length > 1)
      throw new Error(`${found.length} files are named ${pattern}: ${files.join(', ')}`);
    return readFile(only, 'utf8');
  };
  const lines = (await named(new RegExp(`^samples_${task}_.*\\.jsonl$`))).split('\n');
  return {
    task,
    results: JSON.parse(await named(/^results_.*\.json$/)) as Json,
    samples: lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Sample),
  };
}

/** Every file under a folder. */
export async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** A field of a results file that has one entry for each task. */
export function ofTask({ results, task }: TaskOutput, field: string): unknown {
  const byTask = results[field];
  return isObject(byTask) ? byTask[task] : undefined;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
