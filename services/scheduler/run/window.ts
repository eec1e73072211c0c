import type { JobTask } from '@assay/lib/domain';

/** Shards `from` … `to` − 1 of a task are next. */
export interface WindowPart {
  readonly task: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Which shards to publish so that `room` more are outstanding: the tasks of a job take turns, the one that is least
 * far along first, so that all of them move and none waits for another's end.
 */
export function nextWindow(tasks: readonly JobTask[], room: number): WindowPart[] {
  const next = tasks.map((task) => ({
    task: task.name,
    from: task.published,
    to: task.published,
    end: task.shards ?? 0,
  }));
  for (let left = room; left > 0; left--) {
    const open = next.filter((part) => part.to < part.end);
    if (open.length === 0) break;
    const least = open.reduce((a, b) => (b.to / b.end < a.to / a.end ? b : a));
    least.to += 1;
  }
  return next.filter((part) => part.to > part.from).map(({ task, from, to }) => ({ task, from, to }));
}
