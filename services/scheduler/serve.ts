import type { Blob } from '@assay/lib/blob';
import type { Bus } from '@assay/lib/bus';
import type { Clock } from '@assay/lib/clock';
import { isTerminal, type JobRecord, type ServerRecord } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import { serverStream, unary } from '@assay/lib/rpc';
import {
  JobState,
  type CancelJobRequest,
  type CancelJobResponse,
  type DryRun,
  type GetJobRequest,
  type GetJobResponse,
  type Job,
  type JobServiceServer,
  type ListJobsRequest,
  type ListJobsResponse,
  type SubmitJobRequest,
  type SubmitJobResponse,
  type WatchJobRequest,
  type WatchJobResponse,
} from '@assay/proto/assay/v1/job';
import { jobMessage, submissionOf } from './messages.ts';
import { pageOf } from './paging.ts';
import { inOrder, waits } from './place/snapshot.ts';
import type { Answers, Jobs, Progress, Workers } from './ports.ts';
import { dryRun, type DryTask } from './submit/dry-run.ts';
import { shared } from './submit/shared.ts';
import { check, submit, type SubmitPorts } from './submit/submit.ts';
import { watch } from './watch.ts';

export interface ServePorts extends SubmitPorts {
  readonly bus: Bus;
  readonly blob: Blob;
  readonly jobs: Jobs;
  readonly answers: Answers;
  readonly progress: Progress;
  readonly workers: Workers;
  readonly servers: { get(key: string): ServerRecord | undefined };
  readonly clock: Clock;
  readonly dryPartition: string;
  /** In words: where a job for this target would be placed now, or why it would wait. */
  readonly placementOf: (target: JobRecord['spec']['target']) => string;
  readonly onSubmitted: () => void;
}

/** JobService: translates, calls a stage, translates back. */
export function jobService(ports: ServePorts): JobServiceServer {
  const message = (job: JobRecord): Job => messageOf(ports, job);
  const share = shared<DryTask[]>();
  return {
    submitJob: unary<SubmitJobRequest, SubmitJobResponse>(async (request, { tenant, signal, log }) => {
      const submission = submissionOf(request);
      if (!request.validateOnly) {
        const job = await submit(ports, tenant, submission);
        ports.onSubmitted();
        log.info({ job: job.id }, 'job submitted');
        return { job: message(job), dryRun: undefined };
      }
      const checked = await check(ports, tenant, submission);
      const tasks = await dryRun({ ...ports, partition: ports.dryPartition, share }, tenant, checked, signal);
      const answer: DryRun = {
        tasks: tasks.map((task) => ({
          ...task,
          samples: BigInt(task.samples),
          requests: BigInt(task.requests),
          promptChars: BigInt(task.promptChars),
        })),
        placement: ports.placementOf(checked.target),
      };
      return { job: undefined, dryRun: answer };
    }),
    getJob: unary<GetJobRequest, GetJobResponse>(async (request, { tenant }) => ({
      job: message(found(ports, tenant, request.jobId)),
    })),
    listJobs: unary<ListJobsRequest, ListJobsResponse>(async (request, { tenant }) => {
      const mine = [...ports.jobs.all()].filter((job) => job.spec.tenant === tenant);
      const wanted =
        request.state === JobState.UNSPECIFIED
          ? mine
          : mine.filter((job) => JobState[job.state] === request.state);
      const page = pageOf(wanted, request.pageSize, request.pageToken);
      return { jobs: page.jobs.map(message), nextPageToken: page.nextPageToken };
    }),
    watchJob: serverStream<WatchJobRequest, WatchJobResponse>(async function* (request, { tenant, signal }) {
      const { id } = found(ports, tenant, request.jobId);
      for await (const job of watch(ports, id, signal)) yield { job: message(job) };
    }),
    cancelJob: unary<CancelJobRequest, CancelJobResponse>(async (request, { tenant, log }) => {
      const { id } = found(ports, tenant, request.jobId);
      log.info({ job: id }, 'job cancelled');
      const job = await ports.jobs.edit(id, (record) =>
        isTerminal(record.state) || record.cancelRequested ? null : { ...record, cancelRequested: true },
      );
      return { job: message(job) };
    }),
  };
}

function found(ports: ServePorts, tenant: string, id: string): JobRecord {
  const job = ports.jobs.get(id);
  if (job !== undefined && job.spec.tenant === tenant) return job;
  throw new AssayError('NOT_FOUND', `there is no job "${id.slice(0, 80)}"; \`assay jobs\` lists them`, {
    violations: [{ field: 'job_id', message: 'names no job' }],
  });
}

function messageOf(ports: ServePorts, job: JobRecord): Job {
  const waiting = waits(job) ? inOrder([...ports.jobs.all()].filter(waits)) : [];
  return jobMessage(job, {
    progress: ports.progress.get(job.id),
    position: waiting.findIndex((candidate) => candidate.id === job.id) + 1,
    server: job.server === undefined ? undefined : ports.servers.get(job.server),
    activity: isTerminal(job.state)
      ? []
      : [...ports.workers.all()].map((worker) => `${worker.service}: ${worker.activity}`),
  });
}

/** In words: where a job would be placed now, or what it would wait for. */
export function placementIn(
  jobs: Jobs,
  target: JobRecord['spec']['target'],
  server: ServerRecord | undefined,
): string {
  const waiting = [...jobs.all()].filter((job) => job.state === 'QUEUED').length;
  const where = target.type === 'catalog' ? `on ${target.device}` : `at ${target.baseUrl}`;
  const state = server?.state === 'ready' ? 'a server is warm' : 'a server would be started or asked';
  return waiting === 0 ? `${where}: ${state}` : `${where}: ${waiting} job(s) wait before it`;
}
