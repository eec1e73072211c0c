import { findFile, folderOf } from '../files.ts';
import type { Place, YamlNode } from '../yaml/node.ts';
import { Fields } from './fields.ts';
import type { DataFile, SplitFiles, SplitUse } from './task-config.ts';

/** Reads where a task's documents are. Paths that no file answers to are problems. */
export function readData(fields: Fields, file: string, known: ReadonlySet<string>): readonly SplitFiles[] {
  const { problems } = fields;
  const path = fields.text('dataset_path');
  fields.ignore('dataset_name');
  if (path !== undefined && path !== 'json') {
    problems.unsupported(
      fields.place('dataset_path') ?? top(file),
      `dataset_path "${path}" is not supported; give the data as files: dataset_path: json and dataset_kwargs.data_files`,
    );
    fields.ignore('dataset_kwargs');
    return [];
  }
  if (path === undefined && !fields.has('dataset_path'))
    problems.invalid(top(file), 'dataset_path: json is missing');
  const map = fields.map('dataset_kwargs');
  const kwargs = map === undefined ? undefined : Fields.of(map, problems, 'dataset_kwargs.');
  const node = kwargs?.node('data_files');
  if (kwargs !== undefined) {
    kwargs.ignore('trust_remote_code');
    kwargs.refuse(unknownKeys(map?.entries.keys() ?? []), (key) => `${key} is not supported`);
  }
  if (node !== undefined) return splitsOf(node, kwargs ?? fields, file, known);
  problems.invalid(fields.place('dataset_kwargs') ?? top(file), 'dataset_kwargs.data_files is missing');
  return [];
}

/** Splits that the task names, by key; a name that has no files is a problem. */
export function readSplit(fields: Fields, key: string, data: readonly SplitFiles[]): SplitUse | undefined {
  const split = fields.text(key);
  const place = fields.place(key);
  if (split === undefined || place === undefined) return undefined;
  if (data.length > 0 && !data.some((one) => one.split === split)) {
    const names = data.map((one) => one.split).join(', ');
    fields.problems.invalid(place, `${key}: data_files has no split "${split}"; it has ${names}`);
  }
  return { split, place };
}

function unknownKeys(keys: Iterable<string>): string[] {
  return [...keys].filter((key) => key !== 'data_files' && key !== 'trust_remote_code');
}

function splitsOf(node: YamlNode, fields: Fields, file: string, known: ReadonlySet<string>): SplitFiles[] {
  // What is not sorted into splits is the split "train", as the datasets library has it.
  if (node.kind !== 'map') return [{ split: 'train', files: filesOf(node, fields, file, known) }];
  return Array.from(node.entries, ([split, entry]) => ({
    split,
    files: filesOf(entry.node, fields, file, known),
  }));
}

function filesOf(node: YamlNode, fields: Fields, file: string, known: ReadonlySet<string>): DataFile[] {
  return (node.kind === 'list' ? node.items : [node]).flatMap((item) => {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') {
      fields.problems.invalid(
        item.place,
        'data_files must be a path, a list of paths, or a mapping of splits to paths',
      );
      return [];
    }
    const path = findFile(known, folderOf(file), item.value);
    if (path !== undefined) return [{ path, place: item.place }];
    fields.problems.add(
      'TASK_DATA_INVALID',
      `${item.place.file}:${item.place.line}:${item.place.column}`,
      `there is no data file ${item.value} beside the task or above it`,
    );
    return [];
  });
}

function top(file: string): Place {
  return { file, line: 1, column: 1 };
}
