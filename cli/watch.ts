import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError } from '@assay/lib/errors';
import { call, callStream } from '@assay/lib/rpc';
import { Job, JobState } from '@assay/proto/assay/v1/job';
import type { Result } from '@assay/proto/assay/v1/result';
import type { Clients } from './clients.ts';
import { render, stateName } from './view/live.ts';
import { plain } from './view/plain.ts';

export interface Screen {
  write(text: string): void;
  readonly isTty: boolean;
  readonly width: number;
}

export interface WatchOptions {
  readonly out: Screen;
  /** Aborts to stop watching; the job goes on. */
  readonly signal: AbortSignal;
  /** One JSON line for each change instead of the view. */
  readonly json: boolean;
}

const OVER: readonly JobState[] = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED];
const PLAIN_EVERY_MS = 5_000;
const RECONNECT_MS = 500;
/** How long the services may be away before watching gives up. */
const AWAY_MS = 60_000;

export function isOver(job: Job): boolean {
  return OVER.includes(job.state);
}

/** Follows a job to its end, over restarts of the services. Gives the last that was seen of it. */
export async function watchJob(clients: Clients, jobId: string, options: WatchOptions): Promise<Job> {
  const { signal } = options;
  const view = options.json
    ? jsonView(options.out)
    : options.out.isTty
      ? liveView(options.out)
      : plainView(options.out);
  let last: Job | null = null;
  let awaySince: number | null = null;
  while (!signal.aborted) {
    try {
      for await (const { job } of callStream(clients.jobs, 'watchJob', { jobId }, { signal })) {
        if (job === undefined) continue;
        awaySince = null;
        last = job;
        view.show(job, options.json ? null : await resultOf(clients, job));
        if (isOver(job)) {
          view.end();
          return job;
        }
      }
    } catch (error) {
      const fault = AssayError.from(error);
      if (signal.aborted) break;
      awaySince ??= Date.now();
      if (fault.permanent || Date.now() - awaySince > AWAY_MS) throw fault;
    }
    await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
  }
  view.end();
  if (last === null) throw new AssayError('CANCELLED', 'interrupted before anything was seen of the job');
  return last;
}

async function resultOf(clients: Clients, job: Job): Promise<Result | null> {
  if (job.tasks.every((task) => task.scored === 0n)) return null;
  return call(clients.results, 'getResult', { jobId: job.id }, { deadlineMs: 2_000 }).then(
    (answer) => answer.result ?? null,
    () => null,
  );
}

interface View {
  show(job: Job, result: Result | null): void;
  end(): void;
}

function jsonView(out: Screen): View {
  return { show: (job) => out.write(`${JSON.stringify(Job.toJSON(job))}\n`), end: () => undefined };
}

/** Redrawn in place: the cursor goes up over what was drawn before. */
function liveView(out: Screen): View {
  let drawn = 0;
  const rate = rates();
  return {
    show(job, result) {
      const lines = render({ job, result, rates: rate(job), elapsedS: elapsed(job), width: out.width });
      out.write(
        `${drawn > 0 ? `\u001b[${drawn}A` : ''}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`,
      );
      drawn = lines.length;
    },
    end: () => undefined,
  };
}

/** A line at every change of state, and one every five seconds. */
function plainView(out: Screen): View {
  let shown = '';
  let shownAt = 0;
  const rate = rates();
  return {
    show(job, result) {
      const now = Date.now();
      const speeds = rate(job);
      if (job.state === shown && now - shownAt < PLAIN_EVERY_MS) return;
      if (job.state !== shown)
        out.write(`${stateName(job.state)}  ${plain(job.reason)}: ${plain(job.detail)}\n`);
      else
        for (const line of render({ job, result, rates: speeds, elapsedS: elapsed(job), width: 200 }).slice(
          2,
          2 + job.tasks.length,
        ))
          out.write(`${line}\n`);
      shown = job.state;
      shownAt = now;
    },
    end: () => undefined,
  };
}

/** Scores a second by task, over the last ten seconds or so. */
function rates(): (job: Job) => Map<string, number> {
  const seen: { readonly atMs: number; readonly scored: ReadonlyMap<string, number> }[] = [];
  return (job) => {
    const nowMs = performance.now();
    seen.push({ atMs: nowMs, scored: new Map(job.tasks.map((task) => [task.name, Number(task.scored)])) });
    while (seen.length > 2 && nowMs - (seen[0]?.atMs ?? 0) > 10_000) seen.shift();
    const [first] = seen;
    const seconds = (nowMs - (first?.atMs ?? nowMs)) / 1_000;
    return new Map(
      job.tasks.map((task) => [
        task.name,
        seconds > 0 ? (Number(task.scored) - (first?.scored.get(task.name) ?? 0)) / seconds : 0,
      ]),
    );
  };
}

function elapsed(job: Job): number {
  const end = job.endTime === undefined ? Date.now() : Date.parse(job.endTime);
  return job.createTime === undefined ? 0 : (end - Date.parse(job.createTime)) / 1_000;
}
