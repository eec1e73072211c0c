import { JOBS, type Bus } from '@assay/lib/bus';
import type { Jobs } from '../ports.ts';

/** The scheduler's records in its KV. */
export function jobRecords(bus: Pick<Bus, 'kv'>): Jobs {
  const kv = bus.kv(JOBS);
  return { get: async (job) => (await kv.get(job))?.value ?? null };
}
