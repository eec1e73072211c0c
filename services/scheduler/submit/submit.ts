import type { Blob } from '@assay/lib/blob';
import type { Clock } from '@assay/lib/clock';
import { isTerminal, type JobRecord, type JobSpec } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { CrashPoints } from '@assay/lib/faults';
import { checkTasks, listTasks, type TaskFiles } from '@assay/lib/tasks';
import type { Bundles, Jobs, Secrets } from '../ports.ts';
import { CATALOG_PREFIX } from './bundle.ts';
import { bundleFiles, snapshot, type Picked } from './files.ts';
import { contentHashOf, jobIdOf } from './job-id.ts';
import { validate, type KnownModel, type Problem, type Submission, type Valid } from './validate.ts';

export interface SubmitPorts {
  readonly jobs: Jobs;
  readonly secrets: Secrets;
  readonly blob: Blob;
  readonly bundles: Bundles;
  readonly models: readonly KnownModel[];
  readonly devices: readonly string[];
  readonly catalogTasks: TaskFiles;
  readonly partitionOf: (id: string) => string;
  readonly clock: Clock;
  readonly crash: CrashPoints;
}

/**
 * Checks a submission and stores it as a job. The same `request_id` with the same content gives the same job;
 * with another content it throws REQUEST_ID_REUSED. Nothing is stored when anything is wrong.
 */
export async function submit(ports: SubmitPorts, tenant: string, submission: Submission): Promise<JobRecord> {
  const { valid } = validate(submission, ports.models, ports.devices);
  const id = jobIdOf(tenant, submission.requestId);
  const known = ports.jobs.get(id);
  if (known !== undefined && valid !== null) return again(ports, tenant, known, valid);
  const checked = await check(ports, tenant, submission);
  const record = recordOf(ports, id, specOf(tenant, id, checked, hashOf(checked), await checked.store()));
  const created = (await ports.jobs.create(record)) === 'created';
  if (created) ports.crash.at('scheduler.edge.SUBMITTED');
  return again(ports, tenant, created ? record : await ports.jobs.edit(id, () => null), checked);
}

/**
 * The job that the request names already. Its endpoint key is written only now that the content is known to be the
 * same: two submits at once never put one's key with the other's job, and a repeat brings a key that a crash lost.
 */
async function again(
  ports: SubmitPorts,
  tenant: string,
  record: JobRecord,
  valid: Valid,
): Promise<JobRecord> {
  sameOrThrow(record, tenant, hashOf(valid));
  if (valid.apiKey !== '' && !isTerminal(record.state)) await ports.secrets.put(record.id, valid.apiKey);
  return record;
}

export interface Checked extends Valid {
  /** Stores the files that the job needs and names them. */
  readonly store: () => Promise<JobSpec['bundle']>;
}

/** Everything that can be known without running anything; throws with every problem at once. */
export async function check(ports: SubmitPorts, tenant: string, submission: Submission): Promise<Checked> {
  const { problems, valid } = validate(submission, ports.models, ports.devices);
  const tasks = await checkFiles(ports, tenant, submission, valid);
  const all = [...problems, ...tasks.problems];
  if (all.length > 0 || valid === null) throw refusal(all);
  return { ...valid, store: () => snapshot(ports.blob, tasks.picked) };
}

/** Tasks of the user's bundle come before those of the catalog; both are checked in one go. */
async function checkFiles(
  ports: SubmitPorts,
  tenant: string,
  submission: Submission,
  valid: Valid | null,
): Promise<{ readonly problems: readonly Problem[]; readonly picked: readonly Picked[] }> {
  const layers: { readonly prefix: string; readonly files: TaskFiles }[] = [];
  if (submission.bundle !== '')
    layers.push({ prefix: '', files: await bundleFiles(ports, tenant, submission.bundle) });
  layers.push({ prefix: submission.bundle === '' ? '' : CATALOG_PREFIX, files: ports.catalogTasks });
  const first = layers.length > 1 ? layers[0] : undefined;
  const own =
    first === undefined ? new Set<string>() : await ownTasks(submission, first.files, ports.catalogTasks);

  const problems: Problem[] = [];
  const picked: Picked[] = [];
  for (const layer of layers) {
    const indices = submission.tasks.flatMap((task, i) =>
      own.has(task.name) === (layer === first) ? [i] : [],
    );
    if (indices.length === 0) continue;
    const result = await checkTasks(
      layer.files,
      indices.map((i) => valid?.tasks[i] ?? selectionOf(submission, i)),
    );
    problems.push(
      ...result.problems.map(({ reason, index, field, message }) => {
        const at = `tasks[${indices[index] ?? index}]`;
        return {
          reason,
          field: field.startsWith(at) || /[.:/]/.test(field) ? field : `${at}.${field}`,
          message,
        };
      }),
    );
    picked.push({ ...layer, paths: result.closure });
  }
  return { problems, picked };
}

/**
 * The names that the user's bundle answers for: its tasks, those of its files that cannot be read, and what nobody
 * knows, so that the answer blames the file and not the catalog.
 */
async function ownTasks(
  { tasks }: Submission,
  bundle: TaskFiles,
  catalog: TaskFiles,
): Promise<ReadonlySet<string>> {
  const own = new Set((await listTasks(bundle)).map((task) => task.name));
  const unlisted = tasks.map(({ name }) => name).filter((name) => !own.has(name));
  if (unlisted.length === 0) return own;
  const { problems } = await checkTasks(
    bundle,
    unlisted.map((name) => ({ name })),
  );
  const known = new Set((await listTasks(catalog)).map((task) => task.name));
  for (const [i, name] of unlisted.entries()) {
    const defined = problems.some(({ index, reason }) => index === i && reason !== 'UNKNOWN_TASK');
    if (defined || !known.has(name)) own.add(name);
  }
  return own;
}

function selectionOf(submission: Submission, index: number) {
  const task = submission.tasks[index];
  if (task === undefined) throw new Error(`no task ${index}`);
  return {
    name: task.name,
    ...(task.limit === undefined || task.limit <= 0 ? {} : { limit: task.limit }),
    ...(task.numFewshot === undefined || task.numFewshot < 0 ? {} : { numFewshot: task.numFewshot }),
  };
}

function refusal(problems: readonly Problem[]): AssayError {
  const reasons = new Set(problems.map((problem) => problem.reason));
  const [only] = reasons;
  const reason = reasons.size === 1 && only !== undefined ? only : 'INVALID_REQUEST';
  const lines = problems.map((problem) => `${problem.field}: ${problem.message}`);
  return new AssayError(reason, `the job was not accepted: ${lines.join('; ')}`, {
    violations: problems.map(({ field, message }) => ({ field, message })),
  });
}

function hashOf(valid: Valid): string {
  const { requestId, target, tasks, bundle, seed, maxConcurrency } = valid;
  return contentHashOf({ requestId, target, tasks, bundle, seed, maxConcurrency });
}

function specOf(
  tenant: string,
  id: string,
  valid: Valid,
  contentHash: string,
  bundle: JobSpec['bundle'],
): JobSpec {
  const { target } = valid;
  return {
    tenant,
    requestId: valid.requestId,
    target: target.type === 'endpoint' && valid.apiKey !== '' ? { ...target, secret: id } : target,
    tasks: valid.tasks,
    bundle,
    seed: valid.seed,
    contentHash,
    maxConcurrency: valid.maxConcurrency,
  };
}

function recordOf(ports: SubmitPorts, id: string, spec: JobSpec): JobRecord {
  const at = new Date(ports.clock.now()).toISOString();
  const detail = `${spec.tasks.length} task(s) accepted`;
  return {
    v: 1,
    id,
    partition: ports.partitionOf(id),
    spec,
    state: 'SUBMITTED',
    reason: 'ACCEPTED',
    detail,
    transitions: [{ from: null, to: 'SUBMITTED', reason: 'ACCEPTED', detail, at, epoch: 0 }],
    tasks: spec.tasks.map((task) => ({ name: task.name, published: 0 })),
    reservedBytes: 0,
    scoringEpoch: 0,
    epoch: 0,
    createdAt: at,
    cancelRequested: false,
    purged: false,
    audits: 0,
  };
}

function sameOrThrow(record: JobRecord, tenant: string, contentHash: string): void {
  // An id is 60 bits of a hash: whoever tries long enough meets somebody's, and must learn nothing of it.
  if (record.spec.tenant !== tenant) {
    throw new AssayError('REQUEST_ID_REUSED', 'this request_id cannot be used; choose a new one', {
      violations: [{ field: 'request_id', message: 'cannot be used' }],
    });
  }
  if (record.spec.contentHash === contentHash) return;
  throw new AssayError(
    'REQUEST_ID_REUSED',
    `request_id "${record.spec.requestId}" already names job ${record.id}, which asks for something else; choose a new request_id`,
    {
      violations: [{ field: 'request_id', message: `already used by job ${record.id} with another content` }],
    },
  );
}
