import type { Rendered } from './chart.ts';

/** A pod as NetworkPolicies see it. */
export interface Place {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In';
    readonly values: readonly string[];
  }[];
}

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: unknown;
}

interface EdgeRule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port: number }[];
}

interface PolicySpec {
  readonly podSelector: Selector;
  readonly policyTypes: readonly ('Ingress' | 'Egress')[];
  readonly ingress?: readonly EdgeRule[];
  readonly egress?: readonly EdgeRule[];
}

/** Whether a connection is let out at one end and in at the other, as kubernetes.io says that policies add up. */
export function allows(objects: readonly Rendered[], from: Place, to: Place, port: number): boolean {
  const policies = objects
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .map(({ metadata, spec }) => ({ namespace: metadata.namespace ?? '', ...(spec as PolicySpec) }));
  const passes = (type: 'Ingress' | 'Egress', here: Place, there: Place): boolean => {
    const own = policies.filter(
      (policy) =>
        policy.namespace === here.namespace &&
        policy.policyTypes.includes(type) &&
        chooses(policy.podSelector, here.labels),
    );
    if (own.length === 0) return true;
    return own.some((policy) =>
      (type === 'Ingress' ? policy.ingress : policy.egress)?.some((rule) => {
        const peers = type === 'Ingress' ? rule.from : rule.to;
        const portFits = rule.ports === undefined || rule.ports.some((one) => one.port === port);
        return (
          portFits && (peers === undefined || peers.some((peer) => isPeer(peer, there, policy.namespace)))
        );
      }),
    );
  };
  return passes('Egress', from, to) && passes('Ingress', to, from);
}

function isPeer(peer: Peer, pod: Place, own: string): boolean {
  if (peer.ipBlock !== undefined) return false; // addresses outside
  const inNamespace =
    peer.namespaceSelector === undefined
      ? pod.namespace === own
      : chooses(peer.namespaceSelector, { 'kubernetes.io/metadata.name': pod.namespace });
  return inNamespace && (peer.podSelector === undefined || chooses(peer.podSelector, pod.labels));
}

function chooses(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}
