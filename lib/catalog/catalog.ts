import type { DevicePod, PodServing, Weights } from './pod-schema.ts';

export interface Device {
  readonly name: string;
  readonly description: string;
  /** What a pod needs to use it; absent where no pod can. */
  readonly pod?: DevicePod;
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
  readonly weights?: Weights;
  /** How a pod serves it, by device. */
  readonly servers: Readonly<Record<string, PodServing>>;
}

/** What can be evaluated, and on what; models and devices are in the order of their names. */
export interface Catalog {
  readonly models: readonly Model[];
  readonly devices: readonly Device[];
  model(name: string): Model | undefined;
  device(name: string): Device | undefined;
}

/** The arguments, each placeholder replaced by its value; nothing of them ever passes a shell. */
export function fillCommand<P extends string>(
  command: readonly string[],
  values: Readonly<Record<P, string>>,
): readonly string[] {
  const known: Readonly<Record<string, string>> = values;
  return command.map((argument) =>
    argument.replace(/\{([a-z_]+)\}/g, (whole, key: string) => known[key] ?? whole),
  );
}
