import { AssayError, passing, type Reason } from '@assay/lib/errors';
import type { Progress, Seen } from './seen.ts';
import {
  BAD_IMAGE,
  conditionOf,
  mib,
  NO_CONTAINER,
  NO_IMAGE,
  pullFrom,
  scheduledSince,
  serverOf,
  waitingOf,
} from './state.ts';

/** Crashes in a row, without being warm in between, after which starting it again is no use. */
const MOST_CRASHES = 3;

/** What is in a start's way. */
export interface Trouble {
  readonly fault: AssayError;
  /** As in `Told`. */
  readonly move?: boolean;
}

/** The first thing that is in the way; null when nothing is. */
export function troubleOf(seen: Seen): Trouble | null {
  return (
    weightsTrouble(seen) ??
    scheduleTrouble(seen) ??
    endOfPod(seen) ??
    imageTrouble(seen) ??
    crashed(seen) ??
    late(seen)
  );
}

const WEIGHTS_REASONS: readonly Reason[] = [
  'WEIGHTS_NO_SPACE',
  'WEIGHTS_NOT_FOUND',
  'WEIGHTS_FORBIDDEN',
  'WEIGHTS_CORRUPT',
  'WEIGHTS_HUB_UNREACHABLE',
];

function weightsTrouble({ weights }: Seen): Trouble | null {
  if (weights?.state !== 'failed') return null;
  const { reason = '', message = 'its last words are not known' } = weights.fault ?? {};
  const known = WEIGHTS_REASONS.find((one) => one === reason) ?? 'WEIGHTS_FAILED';
  return { fault: new AssayError(known, `the weights were not fetched: ${message}`) };
}

function scheduleTrouble({ waits, pod, nowMs, scheduleMs, plan }: Seen): Trouble | null {
  if (waits !== '') return { fault: passing('SERVER_UNSCHEDULABLE', waits) };
  if (pod === null || scheduledSince(pod) !== null) return null;
  const said = conditionOf(pod, 'PodScheduled');
  const move = nowMs - Date.parse(pod.createdAt) > scheduleMs;
  if (said?.reason !== 'Unschedulable' && !move) return null;
  const why = said?.message === undefined || said.message === '' ? 'nobody said why' : said.message;
  const then = move ? '; another node is looked for' : '';
  return { fault: passing('SERVER_UNSCHEDULABLE', `${plan.device}: not scheduled: ${why}${then}`), move };
}

/** Evicted, preempted, or its node went: what ended it is no fault of the server's. */
function endOfPod({ pod }: Seen): Trouble | null {
  if (pod === null || pod.deleting || (pod.phase !== 'Failed' && pod.phase !== 'Succeeded')) return null;
  const why = conditionOf(pod, 'DisruptionTarget');
  const said = why === null ? `phase ${pod.phase}` : `${why.reason}: ${why.message}`;
  return {
    fault: passing('SERVER_START_FAILED', `its pod has ended (${said}) and is made anew`),
    move: true,
  };
}

function imageTrouble(seen: Seen): Trouble | null {
  const { pod, nowMs, plan } = seen;
  const container = pod === null ? null : waitingOf(pod);
  const from = pullFrom(seen);
  if (container === null) {
    const runs = serverOf(pod)?.runningSince !== null || (serverOf(pod)?.restarts ?? 0) > 0;
    if (from === null || runs || nowMs - Date.parse(from) < plan.budgets.pullMs) return null;
    return {
      fault: new AssayError(
        'SERVER_IMAGE_UNAVAILABLE',
        `its image did not come within ${seconds(plan.budgets.pullMs)}`,
      ),
    };
  }
  const { reason, message, name } = container;
  if (NO_CONTAINER.includes(reason))
    return {
      fault: passing('SERVER_START_FAILED', `container ${name} cannot be made: ${reason}: ${message}`),
    };
  const late = from !== null && nowMs - Date.parse(from) >= plan.budgets.pullMs;
  if (BAD_IMAGE.includes(reason)) {
    const fault = new AssayError('SERVER_IMAGE_UNAVAILABLE', `container ${name}: ${reason}: ${message}`);
    return { fault };
  }
  if (!NO_IMAGE.includes(reason)) return null;
  const text = `container ${name}: ${reason}: ${message}`;
  const fault = new AssayError('SERVER_IMAGE_UNAVAILABLE', text, { permanent: late });
  return { fault };
}

function crashed({ pod, restartsWhenWarm }: Seen): Trouble | null {
  const server = serverOf(pod);
  if (server === null || server.runningSince !== null) return null;
  const ended = server.exitCode ?? server.lastExitCode;
  if (ended === null) return null;
  const permanent = server.restarts - restartsWhenWarm >= MOST_CRASHES;
  const reason = server.exitCode === null ? server.lastReason : server.reason;
  const said = server.exitCode === null ? server.lastMessage : server.message;
  if (reason === 'OOMKilled') {
    const text =
      'the model server needs more memory than its limit: raise limits.memory of the model or the device';
    return { fault: new AssayError('SERVER_OUT_OF_MEMORY', text, { permanent }) };
  }
  const words = said.trim() === '' ? '' : `; its last lines: ${said.trim().slice(-2_000)}`;
  const fault = new AssayError(
    'SERVER_START_FAILED',
    `the model server exited with ${ended} (${reason})${words}`,
    {
      permanent,
    },
  );
  return { fault };
}

function late({ pod, cache, warmAt, nowMs, plan, health }: Seen): Trouble | null {
  const since = serverOf(pod)?.runningSince;
  if (warmAt !== null) {
    if (health === null || health.answers) return null;
    return { fault: health.fault ?? passing('SERVER_START_FAILED', 'it does not answer') };
  }
  if (since === null || since === undefined) return null;
  if (health?.fault?.permanent === true) return { fault: health.fault };
  const { startMs, stallMs } = plan.budgets;
  const grew = Date.parse(cache?.lastGrowth ?? since);
  if (health?.answers !== true && nowMs - Math.max(grew, Date.parse(since)) >= stallMs) {
    const text = `its cache has not grown for ${seconds(stallMs)} and it does not answer${of(cache)}`;
    return { fault: new AssayError('SERVER_START_STALLED', text) };
  }
  if (nowMs - Date.parse(since) < startMs) return null;
  const text = `not ready ${seconds(startMs)} after its container started: ${health?.fault?.message ?? 'not warm'}`;
  return { fault: new AssayError('SERVER_START_FAILED', text) };
}

function of(cache: Progress | null): string {
  return cache === null ? '' : ` (${cache.files} files, ${mib(cache.bytes)})`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
