import { rowKey } from '../aggregate/rows.ts';
import { addTotals, taskKey, totalsOf } from '../aggregate/totals.ts';
import type { FinalResult, PassCount, Results, ScoreRow, TaskTotals, TenantOf } from '../ports.ts';

interface MemoryRun {
  readonly tenant: string;
  readonly createdAt: number;
  readonly final: FinalResult | null;
}

/** Results that live as long as the process: for tests, and the second adapter that keeps the port honest. */
export function memoryResults(tenantOf: TenantOf = async () => 'default'): Results {
  const rows = new Map<string, ScoreRow>();
  const totals = new Map<string, TaskTotals>();
  const runs = new Map<string, MemoryRun>();

  function within(
    task: { job: string; epoch: number; task: string },
    doc: (doc: number) => boolean,
  ): ScoreRow[] {
    const key = taskKey(task);
    return [...rows.values()]
      .filter((row) => taskKey(row) === key && doc(row.doc))
      .sort((a, b) => a.doc - b.doc || a.repeat - b.repeat);
  }

  return {
    fold: async (incoming, now) => {
      const late = incoming.filter(({ job, epoch }) => epoch <= (runs.get(job)?.final?.epoch ?? -1));
      const lateKeys = new Set(late.map(rowKey));
      const fresh = new Map<string, ScoreRow>();
      for (const row of incoming) {
        const key = rowKey(row);
        if (!lateKeys.has(key) && !rows.has(key) && !fresh.has(key)) fresh.set(key, row);
      }
      for (const [key, row] of fresh) {
        rows.set(key, row);
        if (runs.has(row.job)) continue;
        runs.set(row.job, { tenant: await tenantOf(row.job), createdAt: now, final: null });
      }
      for (const entry of totalsOf([...fresh.values()])) {
        const known = totals.get(taskKey(entry));
        totals.set(taskKey(entry), known === undefined ? entry : addTotals(known, entry));
      }
      return {
        stored: fresh.size,
        late: lateKeys.size,
        duplicates: incoming.length - lateKeys.size - fresh.size,
      };
    },
    totals: async (job, epoch) => {
      const found = [...totals.values()].filter((entry) => entry.job === job);
      const wanted = epoch ?? Math.max(...found.map((entry) => entry.epoch));
      return found.filter((entry) => entry.epoch === wanted);
    },
    passCounts: async (task, metricKey) => {
      const scored = within(task, () => true).filter(
        (row) => row.fault === undefined && metricKey in row.metrics,
      );
      return countPasses(scored, metricKey);
    },
    rows: async (task, from, to) => within(task, (doc) => doc >= from && doc < to),
    rowsOf: async (task, docs) => within(task, (doc) => docs.includes(doc)),
    finish: async (result, now) => {
      const known = runs.get(result.job);
      if ((known?.final?.epoch ?? -1) > result.epoch) return;
      const tenant = known?.tenant ?? (await tenantOf(result.job));
      runs.set(result.job, { tenant, createdAt: known?.createdAt ?? now, final: result });
    },
    run: async (job) => {
      const run = runs.get(job);
      return run === undefined ? null : { job, ...run };
    },
    runs: async (tenant, limit, after) => {
      const sorted = [...runs]
        .filter(([, run]) => run.tenant === tenant)
        .map(([job, { createdAt, final }]) => ({
          job,
          createdAt,
          model: final?.model ?? '',
          tasks: final?.tasks ?? null,
        }))
        .sort((a, b) => b.createdAt - a.createdAt || (a.job < b.job ? 1 : -1))
        .filter((run) => after === null || isAfter(run, after));
      const page = sorted.slice(0, limit);
      const last = page.at(-1);
      const next = sorted.length > limit && last ? { createdAt: last.createdAt, job: last.job } : null;
      return { runs: page, next };
    },
    size: async () => 0,
    check: async () => undefined,
    close: async () => undefined,
  };
}

function isAfter(
  run: { createdAt: number; job: string },
  cursor: { createdAt: number; job: string },
): boolean {
  return run.createdAt < cursor.createdAt || (run.createdAt === cursor.createdAt && run.job < cursor.job);
}

function countPasses(rows: readonly ScoreRow[], metricKey: string): readonly PassCount[] {
  const counts = new Map<string, PassCount>();
  for (const repeats of Map.groupBy(rows, ({ doc }) => doc).values()) {
    const n = repeats.length;
    const passed = repeats.filter((row) => (row.metrics[metricKey] ?? 0) > 0).length;
    const key = `${n} ${passed}`;
    counts.set(key, { n, passed, docs: (counts.get(key)?.docs ?? 0) + 1 });
  }
  return [...counts.values()].sort((a, b) => a.n - b.n || a.passed - b.passed);
}
