import type { StartPhase } from '@assay/lib/domain';
import type { Seen, WeightsSeen } from './seen.ts';
import { conditionOf, isBefore, mib, pullFrom, scheduledSince, serverOf, waitingOf } from './state.ts';

/** The phases of a start so far, in order; the last is the one that goes on. */
export function phasesOf(seen: Seen): readonly StartPhase[] {
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
