import type { JobRecord } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import { serverStream, unary, type RpcService } from '@assay/lib/rpc';
import {
  ResultServiceService,
  type FinalizeRequest,
  type FinalizeResponse,
  type GetResultRequest,
  type GetResultResponse,
  type ListResultsRequest,
  type ListResultsResponse,
  type ResultServiceServer,
  type StreamSamplesRequest,
  type StreamSamplesResponse,
} from '@assay/proto/assay/v1/result';
import { briefMessage, fileMessage, finalMessage } from './answers.ts';
import type { Blobs, FinalRequest, FinalResult, Jobs, Results, Run } from './ports.ts';
import { liveTasks } from './report/live.ts';
import type { SampleFilter, SampleLine } from './report/stream.ts';
import { readFinalize, readJobId, readPage, readSamples, writeToken } from './requests.ts';

export interface ServeOptions {
  readonly results: Results;
  readonly blobs: Blobs;
  readonly jobs: Jobs;
  readonly partitions: readonly string[];
  readonly samples: (job: string, filter: SampleFilter) => AsyncIterable<SampleLine>;
  /** Resolves when the report is stored. */
  readonly finalize: (request: FinalRequest) => Promise<FinalResult>;
  /** A crash point: the report is stored and the caller does not know. */
  readonly stored: () => void;
}

/** `ResultService`: requests in, translated, to a stage, and back. */
export function resultService(options: ServeOptions): RpcService {
  const implementation: ResultServiceServer = {
    getResult: unary((request: GetResultRequest, { tenant }) => getResult(options, tenant, request)),
    listResults: unary((request: ListResultsRequest, { tenant }) => listResults(options, tenant, request)),
    streamSamples: serverStream((request: StreamSamplesRequest, { tenant }) =>
      streamSamples(options, tenant, request),
    ),
    finalize: unary((request: FinalizeRequest) => finalizeJob(options, request)),
  };
  return {
    name: 'assay.v1.ResultService',
    definition: ResultServiceService,
    implementation: { ...implementation },
  };
}

async function getResult(
  options: ServeOptions,
  tenant: string,
  request: GetResultRequest,
): Promise<GetResultResponse> {
  const job = readJobId(request.jobId);
  const { run, record } = await found(options, tenant, job);
  if (run !== null && run.final !== null) return { result: finalMessage(run.final, run.createdAt) };
  const live = {
    job,
    final: false,
    model: record?.spec.target.model ?? '',
    createdAt: run?.createdAt ?? Date.parse(record?.createdAt ?? ''),
    tasks: await liveTasks(options, job, record),
  };
  return { result: briefMessage(live) };
}

/** What is known of a tenant's job. Another tenant's is answered as one that is not there. */
async function found(
  options: ServeOptions,
  tenant: string,
  job: string,
): Promise<{ readonly run: Run | null; readonly record: JobRecord | null }> {
  const run = await options.results.run(job);
  const record = run !== null && run.final !== null ? null : await options.jobs.get(job);
  const owner = run?.tenant ?? record?.spec.tenant;
  if (owner !== tenant) throw new AssayError('NOT_FOUND', `there is no job ${job}`);
  return { run, record };
}

async function listResults(
  options: ServeOptions,
  tenant: string,
  request: ListResultsRequest,
): Promise<ListResultsResponse> {
  const { limit, after } = readPage(request);
  const page = await options.results.runs(tenant, limit, after);
  return {
    results: page.runs.map((run) =>
      briefMessage({ ...run, final: run.tasks !== null, tasks: run.tasks ?? [] }),
    ),
    nextPageToken: writeToken(page.next),
  };
}

async function* streamSamples(
  options: ServeOptions,
  tenant: string,
  request: StreamSamplesRequest,
): AsyncIterable<StreamSamplesResponse> {
  const filter = readSamples(request);
  await found(options, tenant, request.jobId);
  yield* options.samples(request.jobId, filter);
}

async function finalizeJob(options: ServeOptions, request: FinalizeRequest): Promise<FinalizeResponse> {
  const final = await options.finalize(readFinalize(request, options.partitions));
  options.stored();
  return { files: final.files.map(fileMessage) };
}
