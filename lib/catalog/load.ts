import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import type { Violation } from '../domain/index.ts';
import { AssayError } from '../errors.ts';
import type { Catalog } from './catalog.ts';
import { deviceSchema, modelSchema } from './schema.ts';

/** Reads catalog/models and catalog/devices. Throws with every problem of every file at once. */
export async function loadCatalog(folder: string): Promise<Catalog> {
  const problems: Violation[] = [];
  const devices = await readAll(path.join(folder, 'devices'), deviceSchema, problems);
  const models = await readAll(path.join(folder, 'models'), modelSchema, problems);
  const known = new Set(devices.map(({ value }) => value.name));
  for (const { file, value } of models) {
    for (const device of value.devices) {
      if (!known.has(device))
        problems.push({ field: `${file}: devices`, message: `"${device}" is no file of devices/` });
    }
  }
  if (problems.length > 0) {
    const lines = problems.map(({ field, message }) => `${field} ${message}`);
    throw new AssayError('INVALID_REQUEST', `the catalog ${folder} cannot be used: ${lines.join('; ')}`, {
      violations: problems,
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
  folder: string,
  shape: S,
  problems: Violation[],
): Promise<{ readonly file: string; readonly value: z.infer<S> }[]> {
  const found: { readonly file: string; readonly value: z.infer<S> }[] = [];
  for (const name of await yamlFiles(folder, problems)) {
    const file = `${path.basename(folder)}/${name}`;
    const document = parseDocument(await readFile(path.join(folder, name), 'utf8'));
    for (const error of document.errors)
      problems.push({ field: file, message: error.message.split('\n')[0] ?? 'is not YAML' });
    if (document.errors.length > 0) continue;
    const parsed = shape.safeParse(document.toJS());
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

async function yamlFiles(folder: string, problems: Violation[]): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  } catch (error) {
    problems.push({
      field: folder,
      message: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    });
    return [];
  }
}
