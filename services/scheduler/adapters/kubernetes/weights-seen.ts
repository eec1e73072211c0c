import type { Operator } from './servers-file.ts';
import { WEIGHTS_LABEL, weightsName } from './pod/names.ts';
import type { PodPlan } from './pod/plan.ts';
import { weightsIdOf } from './pod/render-weights.ts';
import type { WeightsSeen } from './pod/seen.ts';
import type { Reflector } from './reflector.ts';
import type { BatchJob } from './trim-job.ts';
import { isOwn, type OwnPod, type Pod } from './trim-pod.ts';

/** How the job stands that fetches a plan's weights; null when there is none. */
export function weightsOf(
  plan: PodPlan | null,
  operator: Operator,
  node: string,
  seen: { readonly pods: Pick<Reflector<Pod>, 'values'>; readonly jobs: Pick<Reflector<BatchJob>, 'get'> },
): (WeightsSeen & { readonly job: BatchJob }) | null {
  if (plan?.weights?.type !== 'hub') return null;
  const id = weightsIdOf(plan.weights, operator.storage?.type === 'node' ? node : null);
  const job = seen.jobs.get(`${operator.namespace}/${weightsName(id)}`);
  if (job === undefined || job.deleting) return null;
  const pod = job.state === 'complete' ? null : podOf(seen.pods, operator.namespace, id);
  return {
    job,
    state: job.state === 'running' ? 'fetching' : job.state,
    startedAt: job.createdAt,
    endedAt: job.endedAt,
    progress: null,
    fault: job.state === 'failed' ? faultOf(job, pod) : null,
    pod,
  };
}

/** The pod of the last attempt. */
function podOf(pods: Pick<Reflector<Pod>, 'values'>, namespace: string, id: string): OwnPod | null {
  let last: OwnPod | null = null;
  for (const pod of pods.values()) {
    if (pod.namespace !== namespace || !isOwn(pod) || pod.labels[WEIGHTS_LABEL] !== id) continue;
    if (last === null || pod.createdAt >= last.createdAt) last = pod;
  }
  return last;
}

function faultOf(job: BatchJob, pod: OwnPod | null): { reason: string; message: string } {
  const said = pod?.containers.find(({ exitCode }) => exitCode !== null)?.message ?? '';
  try {
    const { reason, message } = JSON.parse(said) as { reason?: unknown; message?: unknown };
    if (typeof reason === 'string' && typeof message === 'string') return { reason, message };
  } catch {
    // Not by its own will: what Kubernetes says is all there is.
  }
  return { reason: '', message: `${job.message}${said === '' ? '' : `: ${said.slice(-500)}`}` };
}
