import type { Need } from '../../../place/fit.ts';
import type { Operator } from '../servers-file.ts';
import { quantity } from '../quantity.ts';
import type { Claim, PodPlan } from './plan.ts';

/** What the container beside the server may take. */
export const WATCH_REQUESTS = { cpu: '10m', memory: '48Mi' };
export const WATCH_LIMITS = { memory: '128Mi' };

/** What the pod of the plan takes of a node, devices by their resource or by `draResource`. */
export function needOf(plan: PodPlan, operator: Operator): Need {
  const requests: Record<string, number> = { pods: 1 };
  const add = (name: string, amount: number) => {
    requests[name] = (requests[name] ?? 0) + amount;
  };
  for (const [name, amount] of Object.entries({ ...plan.limits, ...plan.requests }))
    add(name, quantity(amount));
  for (const [name, amount] of Object.entries(WATCH_REQUESTS)) add(name, quantity(amount));
  if (plan.hugepages !== null) add('hugepages-1Gi', quantity(plan.hugepages));
  const { claim } = plan;
  if (claim.type === 'extended_resource') add(claim.resource, claim.count);
  if (claim.type === 'dra') add(draResource(claim), claim.count);
  return {
    pool: plan.device,
    requests,
    labels: { ...operator.nodeLabels, ...(claim.type === 'node_selector' ? claim.labels : {}) },
    tolerations: plan.tolerations.map(({ key, value, effect }) => ({
      key,
      ...(value === undefined ? {} : { value }),
      ...(effect === undefined ? {} : { effect }),
    })),
  };
}

export type DraClaim = Extract<Claim, { readonly type: 'dra' }>;

/** The name under which placement counts the devices that a claim can have: `tenstorrent.com (boardName n150)`. */
export function draResource({ deviceClass, attributes }: DraClaim): string {
  const wants = Object.entries(attributes).map(([name, values]) => `${name} ${values.join(' or ')}`);
  return wants.length === 0 ? deviceClass : `${deviceClass} (${wants.join(', ')})`;
}
