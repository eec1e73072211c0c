import type { BlobRef, Plan, ShardDocs, ShardRequests, TaskPlan } from '@assay/lib/domain';
import { isBlobRef } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Blobs } from '../ports.ts';

/** A job's plan with the plans of its tasks, in the order of the spec. Throws BLOB_MISSING, INVALID_REQUEST. */
export async function readPlan(
  blobs: Blobs,
  ref: BlobRef,
  job: string,
): Promise<{ readonly plan: Plan; readonly tasks: readonly TaskPlan[] }> {
  const plan = await readJson<Plan>(blobs, ref);
  if (plan.job !== job || !Array.isArray(plan.tasks)) {
    throw invalid('plan', `the blob is not the plan of job ${job}`);
  }
  const tasks: TaskPlan[] = [];
  for (const entry of plan.tasks) {
    if (!isBlobRef(entry.plan)) throw invalid('plan', `task ${entry.task} has no plan blob`);
    const task = await readJson<TaskPlan>(blobs, entry.plan);
    if (task.task !== entry.task)
      throw invalid('plan', `the plan of task ${entry.task} is that of ${task.task}`);
    tasks.push(task);
  }
  return { plan, tasks };
}

/** The two blobs of a shard. Throws BLOB_MISSING; INTERNAL when they do not belong together. */
export async function readShard(
  blobs: Blobs,
  shard: { readonly requests: BlobRef; readonly docs: BlobRef },
): Promise<{ readonly requests: ShardRequests; readonly docs: ShardDocs }> {
  const [requests, docs] = await Promise.all([
    readJson<ShardRequests>(blobs, shard.requests),
    readJson<ShardDocs>(blobs, shard.docs),
  ]);
  const aligned =
    requests.requests.length === docs.docs.length &&
    requests.requests.every((request, i) => request.doc === docs.docs[i]?.doc);
  if (!aligned) throw new AssayError('INTERNAL', `shard ${shard.requests}: requests and docs do not match`);
  return { requests, docs };
}

export async function readJson<T>(blobs: Blobs, ref: BlobRef): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await blobs.get(ref))) as T;
}

function invalid(field: string, message: string): AssayError {
  return new AssayError('INVALID_REQUEST', message, { violations: [{ field, message }] });
}
