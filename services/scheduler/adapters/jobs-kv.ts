import type { Kv } from '@assay/lib/bus';
import type { JobRecord } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Jobs } from '../ports.ts';
import type { Mirror } from './mirror.ts';

/** Jobs over the KV `assay_jobs`. */
export function kvJobs(kv: Kv<JobRecord>, jobs: Mirror<JobRecord>): Jobs {
  return {
    get: (id) => jobs.get(id),
    all: () => jobs.values(),
    onChange: (listener) => jobs.onChange(listener),
    async create(record) {
      const revision = await kv.create(record.id, record);
      if (revision === 'exists') return 'exists';
      jobs.note(record.id, record, revision);
      return 'created';
    },
    async edit(id, change) {
      for (;;) {
        const entry = await kv.get(id);
        if (entry === null) throw new AssayError('NOT_FOUND', `no job ${id}`);
        const next = change(entry.value);
        if (next === null) return entry.value;
        if (next.epoch < entry.value.epoch) {
          throw new AssayError('NOT_LEADER', `job ${id} is led by epoch ${entry.value.epoch}`, {
            permanent: false,
          });
        }
        const revision = await kv.update(id, next, entry.revision);
        if (revision === 'conflict') continue;
        jobs.note(id, next, revision);
        return next;
      }
    },
  };
}
