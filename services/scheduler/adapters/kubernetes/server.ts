import type { Need } from '../../place/fit.ts';
import type { Housed } from '../../ports.ts';
import { AssayError } from '@assay/lib/errors';
import { NEED_ANNOTATION, NODE_ANNOTATION } from './pod/names.ts';
import { needOf } from './pod/need.ts';
import type { PodPlan } from './pod/plan.ts';
import type { Progress } from './pod/seen.ts';
import type { Told } from './pod/start.ts';
import { serverOf } from './pod/state.ts';
import type { Health } from './server-look.ts';
import type { Operator } from './servers-file.ts';
import type { OwnPod } from './trim-pod.ts';

/** A server that a leader looks after. */
export interface Server {
  readonly key: string;
  /** Null for one that was found and that no job has asked for yet. */
  plan: PodPlan | null;
  readonly askedAt: string;
  /** Where its pod shall be made. */
  node: string | null;
  waits: string;
  readonly avoid: Map<string, number>;
  apiKey: string | null;
  health: Health | null;
  cache: Progress | null;
  fetched: Progress | null;
  /** Since when it is warm, and in which life of its container. */
  warm: { readonly at: string; readonly life: string } | null;
  restartsWhenWarm: number;
  told: Told | null;
  stopping: boolean;
  readonly stop: AbortController;
}

export function newServer(key: string, plan: PodPlan | null, askedAt: string): Server {
  return {
    key,
    plan,
    askedAt,
    node: null,
    waits: '',
    avoid: new Map(),
    apiKey: null,
    health: null,
    cache: null,
    fetched: null,
    warm: null,
    restartsWhenWarm: 0,
    told: null,
    stopping: false,
    stop: new AbortController(),
  };
}

/** Since when the server's container runs. */
export function lifeOf(pod: OwnPod | null): string | null {
  return serverOf(pod)?.runningSince ?? null;
}

export function restartsOf(pod: OwnPod | null): number {
  return serverOf(pod)?.restarts ?? 0;
}

/** The server as placement sees it. */
export function housedOf(
  { key, plan, node, avoid }: Server,
  pod: OwnPod | null,
  operator: Operator,
  nowMs: number,
): Housed {
  return {
    key,
    need: pod === null ? (plan === null ? null : needOf(plan, operator)) : takenBy(pod),
    node: pod === null ? node : pod.node || (pod.annotations[NODE_ANNOTATION] ?? node),
    avoid: [...avoid].filter(([, until]) => until > nowMs).map(([name]) => name),
  };
}

/** What it was counted with when it was made. */
function takenBy(pod: OwnPod): Need | null {
  const text = pod.annotations[NEED_ANNOTATION];
  if (text === undefined) return null;
  try {
    return JSON.parse(text) as Need;
  } catch (error) {
    throw new AssayError('INTERNAL', `${pod.name}: its annotation ${NEED_ANNOTATION} is no JSON`, {
      cause: error,
    });
  }
}
