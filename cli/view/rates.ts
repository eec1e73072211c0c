import type { Job } from '@assay/proto/assay/v1/job';

const WINDOW_MS = 10_000;

/** Scores a second by task, over about the last ten seconds. */
export function rates(monotonic: () => number): (job: Job) => ReadonlyMap<string, number> {
  const seen: { readonly atMs: number; readonly scored: ReadonlyMap<string, number> }[] = [];
  return (job) => {
    const nowMs = monotonic();
    const scored = new Map(job.tasks.map((task) => [task.name, Number(task.scored)]));
    seen.push({ atMs: nowMs, scored });
    while (seen.length > 2 && nowMs - (seen[1]?.atMs ?? nowMs) >= WINDOW_MS) seen.shift();
    const [first] = seen;
    const seconds = (nowMs - (first?.atMs ?? nowMs)) / 1_000;
    const rate = (name: string, now: number) =>
      seconds > 0 ? Math.max(0, now - (first?.scored.get(name) ?? now)) / seconds : 0;
    return new Map([...scored].map(([name, now]) => [name, rate(name, now)]));
  };
}
