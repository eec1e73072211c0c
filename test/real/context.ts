import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Lines } from './lines.ts';

/** Thrown by a part that this machine cannot run; the message says why and what would be needed. */
export class NotRun extends Error {
  override readonly name = 'NotRun';
}

/** What every part is given. */
export interface Context {
  readonly lines: Lines;
  /** The local state: tools and models that were fetched. */
  readonly state: string;
  /** Folder with the benchmarks' data; undefined when none is named. */
  readonly dataFolder: string | undefined;
  /** Documents of GSM8K. */
  readonly docs: number;
  /** What to close when the part ends, however it ends; the last one first. */
  readonly keep: (close: () => Promise<void>) => void;
}

/** Path of a benchmark's file. Benchmarks' data is never part of the repository. */
export function dataFile({ dataFolder }: Context, name: string): string {
  if (dataFolder === undefined)
    throw new NotRun(`ASSAY_TEST_DATA is not set: a folder that holds ${name} is needed`);
  const file = path.join(dataFolder, name);
  if (!existsSync(file)) throw new NotRun(`${dataFolder} (ASSAY_TEST_DATA) has no ${name}`);
  return file;
}

/** The demo's model, which `node scripts/setup/main.mjs model` brings. */
export function modelFile({ state }: Context): string {
  const file = path.join(state, 'models/SmolLM2-135M-Instruct.Q4_1.gguf');
  if (!existsSync(file))
    throw new NotRun(`${file} is not there: \`node scripts/setup/main.mjs model\` brings it`);
  return file;
}

/** Runs what installs or looks for something of the machine: its failure is a part that cannot run, not a difference. */
export function needs<T>(what: string, find: () => T): T {
  try {
    return find();
  } catch (error) {
    throw new NotRun(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
