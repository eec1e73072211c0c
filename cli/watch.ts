import { systemClock, type Clock } from '@assay/lib/clock';
import { AssayError } from '@assay/lib/errors';
import { createLog } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { call, callStream } from '@assay/lib/rpc';
import { JobState, type Job } from '@assay/proto/assay/v1/job';
import type { Result } from '@assay/proto/assay/v1/result';
import type { Clients } from './clients.ts';
import { rates } from './view/rates.ts';
import { viewOn, type Moment, type Screen, type View } from './view/screen.ts';

export type { Screen } from './view/screen.ts';

export interface WatchOptions {
  readonly out: Screen;
  /** Aborts to stop watching; the job goes on. */
  readonly signal: AbortSignal;
  /** One JSON line for each change instead of the view. */
  readonly json: boolean;
  readonly clock?: Clock;
}

const OVER: ReadonlySet<JobState> = new Set([JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED]);
const RECONNECT_MS = 500;
const RESULT_MS = 1_000;
/** How long the scheduler may be away before watching gives up: when it was heard of already, and before. */
const AWAY_MS = 120_000;
const NEVER_SEEN_MS = 3_000;

export function isOver(job: Job): boolean {
  return OVER.has(job.state);
}

/** What is known of the job so far. */
interface Seen {
  job: Job | null;
  result: Result | null;
  /** Why the scheduler cannot be heard. */
  away: string | null;
}

/**
 * Follows a job to its end, over restarts of the services. Gives the last that was seen of it: not over when `signal`
 * aborted. Throws when there is no such job, or when the scheduler stays away for two minutes.
 */
export async function watchJob(clients: Clients, jobId: string, options: WatchOptions): Promise<Job> {
  const { clock = systemClock } = options;
  const seen: Seen = { job: null, result: null, away: null };
  const view = viewOn(options.out, options.json);
  const speed = rates(() => clock.monotonic());
  const now = (job: Job): Moment => ({
    job,
    result: seen.result,
    away: seen.away,
    rates: speed(job),
    elapsedS: elapsedS(job, clock.now()),
  });
  const end = new AbortController();
  const signal = AbortSignal.any([options.signal, end.signal]);
  const beside = options.json ? [] : [pollResult(clients, seen, signal), tick(view, seen, now, signal)];
  try {
    return await follow(clients, jobId, seen, (job) => view.changed(now(job)), options.signal, clock);
  } finally {
    end.abort();
    await Promise.all(beside);
  }
}

async function follow(
  clients: Clients,
  jobId: string,
  seen: Seen,
  changed: (job: Job) => void,
  signal: AbortSignal,
  clock: Clock,
): Promise<Job> {
  let heardAt = clock.monotonic();
  while (!signal.aborted) {
    try {
      for await (const { job } of callStream(clients.jobs, 'watchJob', { jobId }, { signal })) {
        if (job === undefined) continue;
        heardAt = clock.monotonic();
        seen.away = null;
        seen.job = job;
        changed(job);
        if (isOver(job)) return job;
      }
    } catch (error) {
      const fault = AssayError.from(error);
      if (signal.aborted) break;
      const patience = seen.job === null ? NEVER_SEEN_MS : AWAY_MS;
      if (fault.permanent || clock.monotonic() - heardAt > patience) throw fault;
      seen.away = fault.message;
    }
    await clock.sleep(RECONNECT_MS, signal).catch(() => undefined);
  }
  if (seen.job === null) throw new AssayError('CANCELLED', 'interrupted before anything was seen of the job');
  return seen.job;
}

// A failed step is tried again, ever later: a reporter that is away only stops the running scores.
const quiet = createLog({ service: 'cli', level: 'silent', pretty: false });

function pollResult(clients: Clients, seen: Seen, stop: AbortSignal): Promise<void> {
  const step = async (signal: AbortSignal): Promise<number> => {
    const { job } = seen;
    if (job === null || job.tasks.every((task) => task.scored === 0n)) return RESULT_MS;
    const answer = await call(clients.results, 'getResult', { jobId: job.id }, { deadlineMs: 5_000, signal });
    seen.result = answer.result ?? seen.result;
    return RESULT_MS;
  };
  return loop({ name: 'result', step, log: quiet }, stop);
}

function tick(view: View, seen: Seen, now: (job: Job) => Moment, stop: AbortSignal): Promise<void> {
  let first = true;
  const step = async (): Promise<number> => {
    if (!first && seen.job !== null) view.ticked(now(seen.job));
    first = false;
    return view.paceMs;
  };
  return loop({ name: 'view', step, log: quiet }, stop);
}

function elapsedS(job: Job, nowMs: number): number {
  const end = job.endTime === undefined ? nowMs : Date.parse(job.endTime);
  return job.createTime === undefined ? 0 : Math.max(0, (end - Date.parse(job.createTime)) / 1_000);
}
