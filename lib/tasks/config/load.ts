import { type TaskFiles, folderOf, joinPath } from '../files.ts';
import { type YamlEntry, type YamlMap, isNull, refuse } from '../yaml/node.ts';
import { parseYaml } from '../yaml/parse.ts';

/** A task file with its includes merged. */
export interface Source {
  readonly file: string;
  /** Local keys win over included ones; each key still knows the file it was written in. */
  readonly entries: ReadonlyMap<string, YamlEntry>;
  /** The file itself and every file that it includes. */
  readonly closure: readonly string[];
}

/**
 * Reads a task file and, recursively, what it includes. As lm-evaluation-harness does: paths are relative to the
 * including file, the merge is shallow, later includes win over earlier ones, `task_list` is not inherited, and a file
 * that comes twice is an error. Throws TASK_INVALID or TASK_UNSUPPORTED at the place.
 */
export async function loadSource(
  files: TaskFiles,
  known: ReadonlySet<string>,
  file: string,
): Promise<Source> {
  const seen = new Set<string>();
  const entries = await load(files, known, file, seen);
  return { file, entries, closure: [...seen] };
}

export function decodeText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse('TASK_INVALID', { file, line: 1, column: 1 }, 'the file is not valid UTF-8');
  }
}

async function load(
  files: TaskFiles,
  known: ReadonlySet<string>,
  file: string,
  seen: Set<string>,
): Promise<Map<string, YamlEntry>> {
  seen.add(file);
  const root = parseYaml(decodeText(await files.read(file), file), file);
  const merged = new Map<string, YamlEntry>();
  for (const included of includesOf(root, file, known)) {
    if (seen.has(included.path)) {
      throw refuse('TASK_INVALID', included.place, `${included.path} is included twice, or includes itself`);
    }
    for (const [key, entry] of await load(files, known, included.path, seen)) {
      if (key !== 'task_list') merged.set(key, entry);
    }
  }
  for (const [key, entry] of root.entries) if (key !== 'include') merged.set(key, entry);
  return merged;
}

function includesOf(root: YamlMap, file: string, known: ReadonlySet<string>) {
  const node = root.entries.get('include')?.node;
  if (node === undefined || isNull(node)) return [];
  const items = node.kind === 'list' ? node.items : [node];
  return items.map((item) => {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') {
      throw refuse('TASK_INVALID', item.place, 'include must be a path, or a list of paths');
    }
    const path = joinPath(folderOf(file), item.value);
    if (path === null || !known.has(path)) {
      throw refuse('TASK_INVALID', item.place, `include: there is no file ${item.value} beside ${file}`);
    }
    return { path, place: item.place };
  });
}
