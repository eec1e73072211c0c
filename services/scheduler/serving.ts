import { fillCommand, type Catalog } from '@assay/lib/catalog';
import type { ModelTarget } from '@assay/lib/domain';

/** What the local cluster must start for a target. */
export interface Serving {
  readonly modelId: string;
  /** The command line, given the file in which the server announces where it listens. */
  readonly command: (announce: string) => readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly startTimeoutMs: number;
  readonly ceiling: number;
  readonly contextLength: number;
}

export interface Places {
  readonly home: string;
  readonly models: string;
  readonly node: string;
  readonly threads: number;
}

/** Reads a catalog model as what must be started; `env` is what every server sees of its surroundings. */
export function servingOf(
  catalog: Catalog,
  places: Places,
  env: Readonly<Record<string, string>>,
): (target: ModelTarget) => Serving {
  return (target) => {
    const model = target.type === 'catalog' ? catalog.model(target.model) : undefined;
    if (model?.local === undefined)
      throw new Error(`the catalog does not say how ${target.model} is served here`);
    const { modelId, contextLength, local } = model;
    const values = {
      node: places.node,
      home: places.home,
      models: places.models,
      threads: String(places.threads),
      model_id: modelId,
      context_length: String(contextLength),
    };
    return {
      modelId,
      command: (announce) => fillCommand(local.command, { ...values, announce }),
      env: { ...env, ...local.env },
      startTimeoutMs: local.startTimeoutMs,
      ceiling: local.ceiling,
      contextLength,
    };
  };
}
