import { JOBS, type Bus } from '@assay/lib/bus';
import type { Jobs, TenantOf } from '../ports.ts';

/** The scheduler's records in its KV. */
export function jobRecords(bus: Pick<Bus, 'kv'>): Jobs {
  const kv = bus.kv(JOBS);
  return { get: async (job) => (await kv.get(job))?.value ?? null };
}

const MOST_KNOWN = 10_000;

/** Whose jobs are, as their records say. One that has none is nobody's. */
export function tenantsOf(jobs: Jobs): TenantOf {
  const known = new Map<string, string>();
  return async (job) => {
    const found = known.get(job);
    if (found !== undefined) return found;
    const tenant = (await jobs.get(job))?.spec.tenant;
    if (tenant === undefined) return '';
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(job, tenant);
    return tenant;
  };
}
