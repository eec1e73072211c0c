import type { TaskFiles } from '../files.ts';
import { type Problem, problemsOf } from '../problem.ts';
import { isNull } from '../yaml/node.ts';
import { type Source, decodeText, loadSource } from './load.ts';

/** A name that can be selected. Groups and tags stand for several tasks. */
export type Named =
  | { readonly kind: 'task'; readonly source: Source }
  | { readonly kind: 'group' | 'tag' | 'class'; readonly file: string };

/** A file that cannot be read; `names` are the tasks that it seems to define. */
export interface Broken {
  readonly file: string;
  readonly names: readonly string[];
  readonly problems: readonly Problem[];
}

export interface TaskIndex {
  readonly names: ReadonlyMap<string, Named>;
  readonly broken: readonly Broken[];
  readonly known: ReadonlySet<string>;
}

const IGNORED = /(?:^|\/)(?:__pycache__|\.ipynb_checkpoints)\//;
const TASK_LINE = /^task:[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#][^\n#]*?))[ \t]*(?:#.*)?\r?$/gm;

/** Every name in the bundle, as lm-evaluation-harness finds them: files in path order, the first definition wins. */
export async function indexTasks(files: TaskFiles): Promise<TaskIndex> {
  const known = new Set(await files.paths());
  const names = new Map<string, Named>();
  const broken: Broken[] = [];
  const tags: (readonly [string, string])[] = [];
  const yamlFiles = [...known]
    .filter((path) => path.endsWith('.yaml') && !IGNORED.test(path))
    .sort(byCodePoints);
  for (const file of yamlFiles) {
    try {
      const source = await loadSource(files, known, file);
      const found = namedOf(source);
      if (found !== null && !names.has(found.name)) names.set(found.name, found.named);
      for (const tag of textsOf(source, 'tag')) tags.push([tag, file]);
    } catch (thrown) {
      const problems = problemsOf(thrown, `${file}:1:1`);
      broken.push({ file, problems, names: taskNames(await files.read(file), file) });
    }
  }
  for (const [tag, file] of tags) if (!names.has(tag)) names.set(tag, { kind: 'tag', file });
  return { names, broken, known };
}

function namedOf(source: Source): { name: string; named: Named } | null {
  const kind = source.entries.has('class') ? 'class' : source.entries.has('group') ? 'group' : 'task';
  const [name] = textsOf(source, kind === 'group' ? 'group' : 'task');
  if (name === undefined) return null;
  return { name, named: kind === 'task' ? { kind, source } : { kind, file: source.file } };
}

function textsOf(source: Source, key: string): string[] {
  const node = source.entries.get(key)?.node;
  if (node === undefined || isNull(node)) return [];
  return (node.kind === 'list' ? node.items : [node]).flatMap((item) =>
    item.kind === 'scalar' && typeof item.value === 'string' ? [item.value] : [],
  );
}

function taskNames(bytes: Uint8Array, file: string): string[] {
  try {
    return Array.from(
      decodeText(bytes, file).matchAll(TASK_LINE),
      (match) => match[1] ?? match[2] ?? match[3] ?? '',
    );
  } catch {
    return [];
  }
}

function byCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
