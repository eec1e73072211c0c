import type { Progress, Seen, WeightsSeen } from '../adapters/kubernetes/pod/seen.ts';
import { tell } from '../adapters/kubernetes/pod/start.ts';
import type { ContainerState, OwnPod } from '../adapters/kubernetes/trim-pod.ts';

export const at = (second: number) => new Date(second * 1_000).toISOString();

export function container(over: Partial<ContainerState> = {}): ContainerState {
  return {
    name: 'server',
    ready: false,
    started: false,
    runningSince: null,
    restarts: 0,
    imageId: '',
    reason: '',
    message: '',
    exitCode: null,
    lastReason: '',
    lastExitCode: null,
    lastMessage: '',
    ...over,
  };
}

export function pod(over: Partial<OwnPod> = {}): OwnPod {
  return {
    name: 'server-k',
    namespace: 's',
    uid: 'u',
    resourceVersion: '1',
    node: 'node-1',
    phase: 'Pending',
    requests: {},
    labels: {},
    annotations: {},
    ip: '10.0.0.1',
    createdAt: at(1),
    deleting: false,
    conditions: [{ type: 'PodScheduled', status: 'True', reason: '', message: '', since: at(2) }],
    containers: [container()],
    ...over,
  };
}

export const UNSCHEDULED = pod({
  node: '',
  conditions: [
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/2 nodes: no n150',
      since: at(1),
    },
  ],
});
export const progress = (over: Partial<Progress> = {}): Progress => ({
  bytes: 1,
  totalBytes: null,
  files: 1,
  lastGrowth: at(9),
  detail: 'half way',
  ...over,
});
export const weights = (over: Partial<WeightsSeen> = {}): WeightsSeen => ({
  state: 'fetching',
  startedAt: at(1),
  endedAt: null,
  progress: null,
  fault: null,
  pod: null,
  ...over,
});

export function seen(over: Partial<Seen> = {}): Seen {
  return {
    nowMs: 10_000,
    plan: {
      device: 'n150',
      weights: null,
      budgets: { startMs: 60_000, pullMs: 30_000, stallMs: 20_000, settleMs: 5_000 },
    },
    askedAt: at(0),
    waits: '',
    scheduleMs: 30_000,
    weights: null,
    pod: pod(),
    cache: null,
    health: null,
    warmAt: null,
    restartsWhenWarm: 0,
    ...over,
  };
}

/** Each phase as `name from-to`, in seconds. */
export const phases = (of: Seen) =>
  tell(of).start.map(({ phase, startedAt, endedAt }) => {
    const [from, to] = [startedAt, endedAt].map((time) => (time === null ? '' : Date.parse(time) / 1_000));
    return `${phase} ${from}-${to}`;
  });

export const running = pod({ phase: 'Running', containers: [container({ runningSince: at(5) })] });
