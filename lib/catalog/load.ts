import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import type { Violation } from '../domain/index.ts';
import { AssayError } from '../errors.ts';
import type { Catalog } from './catalog.ts';
import { mergePatch } from './merge-patch.ts';
import { deviceSchema, modelSchema } from './schema.ts';

/**
 * Reads catalog/models and catalog/devices. Files of an overlay that have the name of a shipped one are JSON merge
 * patches over it; others are new. Throws with every problem of every file at once.
 */
export async function loadCatalog(folder: string, overlay?: string): Promise<Catalog> {
  const problems: Violation[] = [];
  const folders = overlay === undefined ? [folder] : [folder, overlay];
  const devices = await readAll(folders, 'devices', deviceSchema, problems);
  const models = await readAll(folders, 'models', modelSchema, problems);
  const known = new Set(devices.map(({ value }) => value.name));
  for (const { file, value } of models) {
    for (const device of value.devices) {
      if (!known.has(device))
        problems.push({ field: `${file}: devices`, message: `"${device}" is no file of devices/` });
    }
    for (const device of Object.keys(value.servers)) {
      if (!value.devices.includes(device))
        problems.push({ field: `${file}: servers.${device}`, message: 'is not among its devices' });
    }
  }
  if (problems.length > 0) {
    const inOrder = problems.toSorted((a, b) => cmp(fileOf(a), fileOf(b)));
    const lines = inOrder.map(({ field, message }) => `${field} ${message}`);
    throw new AssayError('INVALID_REQUEST', `the catalog ${folder} cannot be used: ${lines.join('; ')}`, {
      violations: inOrder,
    });
  }
  const byName = new Map(models.map(({ value }) => [value.name, value]));
  const devicesByName = new Map(devices.map(({ value }) => [value.name, value]));
  return {
    models: [...byName.values()],
    devices: [...devicesByName.values()],
    model: (name) => byName.get(name),
    device: (name) => devicesByName.get(name),
  };
}

async function readAll<S extends z.ZodType<{ readonly name: string }>>(
  folders: readonly string[],
  kind: string,
  shape: S,
  problems: Violation[],
): Promise<{ readonly file: string; readonly value: z.infer<S> }[]> {
  const found: { readonly file: string; readonly value: z.infer<S> }[] = [];
  for (const [file, content] of await contents(folders, kind, problems)) {
    const parsed = shape.safeParse(content);
    if (parsed.success) found.push({ file, value: parsed.data });
    else
      for (const issue of parsed.error.issues)
        problems.push({ field: `${file}: ${issue.path.join('.') || 'file'}`, message: issue.message });
  }
  const names = found.map(({ value }) => value.name);
  for (const { file, value } of found) {
    if (names.indexOf(value.name) !== names.lastIndexOf(value.name))
      problems.push({ field: `${file}: name`, message: `"${value.name}" stands in two files` });
  }
  return found;
}

/** What each file says, those of later folders merged over those of earlier ones. */
async function contents(
  folders: readonly string[],
  kind: string,
  problems: Violation[],
): Promise<ReadonlyMap<string, unknown>> {
  const merged = new Map<string, unknown>();
  for (const [i, folder] of folders.entries()) {
    for (const name of await yamlFiles(path.join(folder, kind), i > 0, problems)) {
      const file = `${kind}/${name}`;
      const document = parseDocument(await readFile(path.join(folder, kind, name), 'utf8'));
      for (const error of document.errors)
        problems.push({ field: file, message: error.message.split('\n')[0] ?? 'is not YAML' });
      if (document.errors.length > 0) merged.delete(file);
      else merged.set(file, mergePatch(merged.get(file), document.toJS()));
    }
  }
  return merged;
}

async function yamlFiles(
  folder: string,
  mayBeAbsent: boolean,
  problems: Violation[],
): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^[^.].*\.ya?ml$/.test(name)).sort();
  } catch (error) {
    if (mayBeAbsent && error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    problems.push({
      field: folder,
      message: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    });
    return [];
  }
}

function fileOf({ field }: Violation): string {
  return field.split(':')[0] ?? field;
}

function cmp(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
