import { createHash } from 'node:crypto';
import {
  fillCommand,
  type Catalog,
  type DevicePod,
  type PodPlaceholder,
  type PodServing,
  type Weights,
} from '@assay/lib/catalog';
import type { ModelTarget } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Operator } from '../servers-file.ts';

/** Where the weights are in a model server's container; only read. */
export const WEIGHTS_FOLDER = '/weights';

export type Claim =
  | { readonly type: 'extended_resource'; readonly resource: string; readonly count: number }
  | {
      readonly type: 'dra';
      readonly deviceClass: string;
      readonly count: number;
      readonly attributes: Readonly<Record<string, readonly string[]>>;
    }
  | { readonly type: 'node_selector'; readonly labels: Readonly<Record<string, string>> };

export type PlannedWeights =
  | {
      readonly type: 'hub';
      /** Hash of what is fetched. */
      readonly id: string;
      readonly repo: string;
      readonly revision: string;
      readonly files: readonly string[];
      /** At least so many are needed; 0 when the hub's list says it. */
      readonly bytes: number;
    }
  | { readonly type: 'image'; readonly image: string };

/** Everything that the pod of a model server is rendered from; the same for the same target, catalog and operator. */
export interface PodPlan {
  readonly modelId: string;
  readonly device: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly runtimeSpec: PodServing['runtimeSpec'] | null;
  readonly contextLength: number;
  readonly ceiling: number;
  readonly claim: Claim;
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
  readonly hugepages: string | null;
  readonly hostIpc: boolean;
  readonly sharedMemory: string | null;
  readonly tolerations: DevicePod['tolerations'];
  /** Null when it brings its own. */
  readonly weights: PlannedWeights | null;
  readonly budgets: PodServing['budgets'];
}

/** How a target is served by a pod. Throws INVALID_REQUEST when the catalog does not say it. */
export function planOf(catalog: Catalog, operator: Operator, target: ModelTarget): PodPlan {
  const model = target.type === 'catalog' ? catalog.model(target.model) : undefined;
  if (target.type !== 'catalog' || model === undefined)
    throw new AssayError('INVALID_REQUEST', `the catalog has no model ${target.model}`);
  const serving = model.servers[target.device];
  const profile = catalog.device(target.device)?.pod;
  if (serving === undefined || profile === undefined) {
    const missing = serving === undefined ? `servers.${target.device} of the model` : `pod of the device`;
    throw new AssayError(
      'INVALID_REQUEST',
      `the catalog does not say how a pod serves ${target.model} on ${target.device}: there is no ${missing}`,
    );
  }
  const values: Record<PodPlaceholder, string> = {
    model_id: model.modelId,
    device: target.device,
    context_length: String(model.contextLength),
    weights: WEIGHTS_FOLDER,
  };
  const image = (name: string) => operator.images[name] ?? name;
  return {
    modelId: model.modelId,
    device: target.device,
    image: image(serving.image),
    command: fillCommand(serving.command, values),
    args: fillCommand(serving.args, values),
    env: { ...profile.env, ...serving.env },
    runtimeSpec: serving.runtimeSpec ?? null,
    contextLength: model.contextLength,
    ceiling: serving.ceiling,
    claim: claimOf(profile),
    requests: { ...profile.requests, ...serving.requests },
    limits: { ...profile.limits, ...serving.limits },
    hugepages: profile.hugepages ?? null,
    hostIpc: profile.hostIpc,
    sharedMemory: profile.sharedMemory ?? null,
    tolerations: profile.tolerations,
    weights: weightsOf(model.weights, operator, image),
    budgets: serving.budgets,
  };
}

function claimOf({ claim, claims }: DevicePod): Claim {
  const { extended_resource: extended, dra, node_selector: selector } = claims;
  if (claim === 'extended_resource' && extended !== undefined) return { type: claim, ...extended };
  if (claim === 'dra' && dra !== undefined) {
    const { device_class: deviceClass, count, attributes } = dra;
    return { type: claim, deviceClass, count, attributes };
  }
  return { type: 'node_selector', labels: selector?.labels ?? {} };
}

function weightsOf(
  weights: Weights | undefined,
  operator: Operator,
  image: (name: string) => string,
): PlannedWeights | null {
  if (weights === undefined) return null;
  if (weights.type === 'image') return { type: 'image', image: image(weights.image) };
  if (operator.storage === undefined)
    throw new AssayError(
      'INVALID_REQUEST',
      `the weights of ${weights.repo} come from a hub, and there is nowhere to put them: set weights.storage`,
    );
  const { repo, revision, files, bytes = 0 } = weights;
  const what = [operator.hub, repo, revision, [...files].sort()];
  const id = createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
  return { type: 'hub', id, repo, revision, files, bytes };
}
