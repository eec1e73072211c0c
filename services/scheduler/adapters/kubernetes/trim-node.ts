import { quantity } from './quantity.ts';
import type { KubeObject } from '@assay/lib/kube';
import { versionOf, type Trimmed } from './trimmed.ts';

export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** What placement asks of a node. */
export interface Node extends Trimmed {
  readonly labels: Readonly<Record<string, string>>;
  readonly unschedulable: boolean;
  readonly ready: boolean;
  readonly taints: readonly Taint[];
  /** In base units: cores, bytes, pieces. */
  readonly allocatable: Readonly<Record<string, number>>;
}

/** A node without its images, addresses, annotations and managed fields. */
export function trimNode(object: KubeObject): Node {
  const { metadata, spec, status } = object as RawNode;
  return {
    ...versionOf(metadata),
    labels: metadata.labels ?? {},
    unschedulable: spec?.unschedulable ?? false,
    ready: status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
    taints: (spec?.taints ?? []).map(({ key, value = '', effect }) => ({ key, value, effect })),
    allocatable: Object.fromEntries(
      Object.entries(status?.allocatable ?? {}).map(([name, amount]) => [name, quantity(amount)]),
    ),
  };
}

interface RawNode extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  };
  readonly status?: {
    readonly allocatable?: Readonly<Record<string, string>>;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}
