import type { StartPhase } from '@assay/lib/domain';
import { AssayError, passing, type Reason } from '@assay/lib/errors';
import type { ContainerState, OwnPod } from '../trim-pod.ts';
import { SERVER_CONTAINER } from './names.ts';
import type { PodPlan } from './plan.ts';

/** What a program inside a pod says of the folder that it fills or watches. */
export interface Progress {
  readonly bytes: number;
  readonly totalBytes: number | null;
  readonly files: number;
  /** ISO 8601; null before it first grew. */
  readonly lastGrowth: string | null;
  readonly detail: string;
}

export interface WeightsSeen {
  readonly state: 'fetching' | 'complete' | 'failed';
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly progress: Progress | null;
  /** What the job's program left when it failed. */
  readonly fault: { readonly reason: string; readonly message: string } | null;
  /** Of its pod, when it does not run: no node, no image. */
  readonly pod: OwnPod | null;
}

/** Everything that is known of a server's start. */
export interface Seen {
  readonly nowMs: number;
  readonly plan: Pick<PodPlan, 'budgets' | 'weights' | 'device'>;
  /** When somebody first asked for the server, or its pod was made. */
  readonly askedAt: string;
  /** Why no node was chosen yet; empty once there is one. */
  readonly waits: string;
  readonly scheduleMs: number;
  /** Null where no job fetches them. */
  readonly weights: WeightsSeen | null;
  readonly pod: OwnPod | null;
  readonly cache: Progress | null;
  /** What asking the server gave the last time; null before the first answer or refusal. */
  readonly health: { readonly answers: boolean; readonly fault: AssayError | null } | null;
  /** When it was first warm since its container started, ISO 8601; null while it is not. */
  readonly warmAt: string | null;
  /** How often it had been started again when it was last warm; 0 when it never was. */
  readonly restartsWhenWarm: number;
}

export interface Told {
  readonly phase: 'starting' | 'ready' | 'down' | 'failed';
  readonly fault: AssayError | null;
  readonly detail: string;
  readonly start: readonly StartPhase[];
  /** The pod is of no more use where it is: it is deleted, and another node is chosen. */
  readonly move: boolean;
}

/** Crashes in a row, without being warm in between, after which starting it again is no use. */
const MOST_CRASHES = 3;

/** Of a start: where it stands, what is in its way, and whether that is the end. */
export function tell(seen: Seen): Told {
  const start = phasesOf(seen);
  const found = troubleOf(seen);
  const current = start.find(({ endedAt }) => endedAt === null);
  const ready = seen.warmAt !== null;
  if (found !== null) {
    const { fault, move = false } = found;
    const phase = fault.permanent ? 'failed' : ready ? 'down' : 'starting';
    const told = start.map((one) => (one === current ? { ...one, detail: fault.message } : one));
    return { phase, fault, detail: fault.message, start: told, move };
  }
  if (ready) return { phase: 'ready', fault: null, detail: 'ready', start, move: false };
  const detail = current === undefined ? 'starts' : `${current.phase}: ${current.detail}`;
  return { phase: 'starting', fault: seen.health?.fault ?? null, detail, start, move: false };
}

/** When something last ended before the image is fetched. */
function pullFrom(seen: Seen): string | null {
  const scheduledAt = scheduledSince(seen.pod);
  if (scheduledAt === null) return null;
  if (seen.weights === null) return scheduledAt;
  if (seen.weights.state !== 'complete') return null;
  const weightsAt = seen.weights.endedAt ?? scheduledAt;
  return isBefore(scheduledAt, weightsAt) ? weightsAt : scheduledAt;
}

function phasesOf(seen: Seen): readonly StartPhase[] {
  const { pod, weights, cache, warmAt } = seen;
  const server = serverOf(pod);
  const scheduledAt = scheduledSince(pod);
  const phases: StartPhase[] = [
    phase(
      'schedule',
      seen.askedAt,
      scheduledAt,
      scheduledAt === null ? scheduling(seen) : `on ${pod?.node ?? ''}`,
    ),
  ];
  const pullAt = pullFrom(seen);
  const pulled = server !== null && (server.runningSince !== null || server.restarts > 0);
  if (pullAt !== null) {
    const how = pulled
      ? server.imageId === ''
        ? 'there'
        : server.imageId
      : 'fetches the image, or waits for it';
    phases.push(phase('pull', pullAt, pulled ? (server.runningSince ?? pullAt) : null, how));
  }
  if (weights !== null) {
    phases.push({
      ...phase('weights', weights.startedAt, weights.endedAt, weightsDetail(weights)),
      bytes: weights.progress?.bytes ?? 0,
      totalBytes: weights.progress?.totalBytes ?? 0,
      lastGrowth: weights.progress?.lastGrowth ?? null,
    });
  }
  if (pulled) {
    const from = server.runningSince ?? pullAt ?? seen.askedAt;
    phases.push({
      ...phase('compile', from, warmAt, warmAt === null ? compiling(seen) : 'warm'),
      bytes: cache?.bytes ?? 0,
      lastGrowth: cache?.lastGrowth ?? null,
    });
  }
  if (warmAt !== null) phases.push(phase('ready', warmAt, warmAt, 'answers'));
  return phases;
}

function phase(
  name: StartPhase['phase'],
  startedAt: string,
  endedAt: string | null,
  detail: string,
): StartPhase {
  // Kubernetes tells whole seconds.
  const ended = endedAt !== null && isBefore(endedAt, startedAt) ? startedAt : endedAt;
  return { phase: name, startedAt, endedAt: ended, bytes: 0, totalBytes: 0, lastGrowth: null, detail };
}

function scheduling({ waits, pod }: Seen): string {
  if (waits !== '') return waits;
  if (pod === null) return 'is being made';
  return conditionOf(pod, 'PodScheduled')?.message || 'waits for its node';
}

function weightsDetail({ state, progress, pod }: WeightsSeen): string {
  if (state === 'complete') return 'complete';
  if (progress !== null) return progress.detail;
  if (pod === null) return 'the job that fetches them is being made';
  return (
    waitingOf(pod)?.message || conditionOf(pod, 'PodScheduled')?.message || 'the job that fetches them starts'
  );
}

function compiling({ cache, health }: Seen): string {
  const grown = cache === null ? '' : `; its cache has ${cache.files} files, ${mib(cache.bytes)}`;
  return `${health?.answers === true ? 'answers, not warm yet' : 'loads and compiles'}${grown}`;
}

interface Trouble {
  readonly fault: AssayError;
  readonly move?: boolean;
}

function troubleOf(seen: Seen): Trouble | null {
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

const NO_IMAGE = ['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable'];
const BAD_IMAGE = ['InvalidImageName', 'ErrImageNeverPull', 'ImageInspectError', 'SignatureValidationFailed'];
const NO_CONTAINER = ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError'];

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

export function serverOf(pod: OwnPod | null): ContainerState | null {
  return pod?.containers.find(({ name }) => name === SERVER_CONTAINER) ?? null;
}

/** The first container that is kept from running, and not by another one. */
function waitingOf(pod: OwnPod): ContainerState | null {
  const kept = [...NO_IMAGE, ...BAD_IMAGE, ...NO_CONTAINER];
  return pod.containers.find(({ reason }) => kept.includes(reason)) ?? null;
}

function conditionOf(pod: OwnPod, type: string) {
  return pod.conditions.find((condition) => condition.type === type) ?? null;
}

function scheduledSince(pod: OwnPod | null): string | null {
  if (pod === null) return null;
  const scheduled = conditionOf(pod, 'PodScheduled');
  return scheduled?.status === 'True' ? scheduled.since : null;
}

/** As texts they may differ in how exact they are. */
function isBefore(a: string, b: string): boolean {
  return Date.parse(a) < Date.parse(b);
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
