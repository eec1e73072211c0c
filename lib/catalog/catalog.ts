import type { Placeholder } from './schema.ts';

export interface Device {
  readonly name: string;
  readonly description: string;
}

/** How a model is served by a process of the machine itself. */
export interface LocalServing {
  /** Program and arguments, with placeholders in braces; `fillCommand` fills them in. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** From the start of the process until it lists its model. */
  readonly startTimeoutMs: number;
  /** Requests that it may be sent at once. */
  readonly ceiling: number;
}

export interface Model {
  readonly name: string;
  readonly description: string;
  /** SPDX identifier. */
  readonly license: string;
  /** The name under which its server lists it. */
  readonly modelId: string;
  /** Tokens of prompt and answer together. */
  readonly contextLength: number;
  /** Names of devices, the preferred one first. */
  readonly devices: readonly string[];
  readonly local?: LocalServing;
}

/** What can be evaluated, and on what; models and devices are in the order of their names. */
export interface Catalog {
  readonly models: readonly Model[];
  readonly devices: readonly Device[];
  model(name: string): Model | undefined;
  device(name: string): Device | undefined;
}

/** The command line, each placeholder replaced by its value; nothing of it ever passes a shell. */
export function fillCommand(
  command: readonly string[],
  values: Readonly<Record<Placeholder, string>>,
): readonly string[] {
  const known: Readonly<Record<string, string>> = values;
  return command.map((argument) =>
    argument.replace(/\{([a-z_]+)\}/g, (whole, key: string) => known[key] ?? whole),
  );
}
