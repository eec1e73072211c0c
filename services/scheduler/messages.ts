import {
  isTerminal,
  type JobProgress,
  type JobRecord,
  type ServerRecord,
  type StartPhase as Phase,
  type Transition as Edge,
} from '@assay/lib/domain';
import {
  JobState,
  type Job,
  type StartPhase,
  type SubmitJobRequest,
  type TaskProgress,
  type Transition,
} from '@assay/proto/assay/v1/job';
import type { Submission } from './submit/validate.ts';

/** The RPC's words for a submission, as `submit` reads it. */
export function submissionOf(request: SubmitJobRequest): Submission {
  const { target } = request;
  return {
    requestId: request.requestId,
    target:
      target === undefined
        ? undefined
        : target.$case === 'catalog'
          ? { type: 'catalog', model: target.value.model, device: target.value.device }
          : {
              type: 'endpoint',
              baseUrl: target.value.baseUrl,
              model: target.value.model,
              apiKey: target.value.apiKey,
            },
    tasks: request.tasks.map((task) => ({
      name: task.name,
      limit: task.limit,
      numFewshot: task.numFewshot,
      genKwargsJson: task.genKwargsJson,
    })),
    bundle: request.bundle,
    seed: request.seed,
    maxConcurrency: request.maxConcurrency,
  };
}

export interface JobFacts {
  readonly progress: JobProgress | undefined;
  /** 0 when the job does not wait. */
  readonly position: number;
  readonly activity: readonly string[];
  /** Of its server, while the job's record does not have it. */
  readonly server: ServerRecord | undefined;
}

export function jobMessage(job: JobRecord, facts: JobFacts): Job {
  const { target } = job.spec;
  const last = job.transitions.at(-1);
  return {
    id: job.id,
    state: JobState[job.state],
    reason: job.reason,
    detail: job.detail,
    queuePosition: facts.position,
    model: target.model,
    device: target.type === 'catalog' ? target.device : '',
    endpoint: target.type === 'endpoint' ? target.baseUrl : '',
    tasks: job.tasks.map((_, i) => taskMessage(job, i, facts.progress)),
    transitions: job.transitions.map(edgeMessage),
    createTime: job.createdAt,
    endTime: isTerminal(job.state) ? last?.at : undefined,
    requestId: job.spec.requestId,
    etaSeconds: isTerminal(job.state) ? 0 : (facts.progress?.etaSeconds ?? 0),
    activity: [...facts.activity],
    seed: BigInt(job.spec.seed),
    start: (job.started?.start ?? facts.server?.start ?? []).map(phaseMessage),
    node: job.started?.node ?? facts.server?.node ?? '',
  };
}

function taskMessage(job: JobRecord, index: number, progress: JobProgress | undefined): TaskProgress {
  const task = job.tasks[index];
  const counts = task?.counts;
  const amount = progress?.tasks.find((candidate) => candidate.task === task?.name);
  const done = job.state === 'SUCCEEDED';
  const whole = (all: number | undefined, some: number | undefined) => BigInt((done ? all : some) ?? 0);
  return {
    name: task?.name ?? '',
    docs: BigInt(counts === undefined ? 0 : Math.min(counts.samples, counts.scores)),
    samples: BigInt(counts?.samples ?? 0),
    generated: whole(counts?.samples, amount?.generated),
    scores: BigInt(counts?.scores ?? 0),
    scored: whole(counts?.scores, amount?.scored),
    prepared: counts !== undefined,
  };
}

function phaseMessage(phase: Phase): StartPhase {
  return {
    phase: phase.phase,
    startTime: phase.startedAt,
    endTime: phase.endedAt ?? undefined,
    bytes: BigInt(phase.bytes),
    totalBytes: BigInt(phase.totalBytes),
    lastGrowthTime: phase.lastGrowth ?? undefined,
    detail: phase.detail,
  };
}

function edgeMessage(edge: Edge): Transition {
  return {
    from: edge.from === null ? JobState.UNSPECIFIED : JobState[edge.from],
    to: JobState[edge.to],
    reason: edge.reason,
    detail: edge.detail,
    time: edge.at,
    epoch: BigInt(edge.epoch),
  };
}
