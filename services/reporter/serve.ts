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
import type { Blobs, FinalRequest, FinalResult, Jobs, Results } from './ports.ts';
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
    getResult: unary((request: GetResultRequest) => getResult(options, request)),
    listResults: unary((request: ListResultsRequest) => listResults(options, request)),
    streamSamples: serverStream((request: StreamSamplesRequest) => streamSamples(options, request)),
    finalize: unary((request: FinalizeRequest) => finalizeJob(options, request)),
  };
  return {
    name: 'assay.v1.ResultService',
    definition: ResultServiceService,
    implementation: { ...implementation },
  };
}

async function getResult(options: ServeOptions, request: GetResultRequest): Promise<GetResultResponse> {
  const job = readJobId(request.jobId);
  const run = await options.results.run(job);
  if (run !== null && run.final !== null) return { result: finalMessage(run.final, run.createdAt) };
  const record = await options.jobs.get(job);
  if (run === null && record === null) throw new AssayError('NOT_FOUND', `there is no job ${job}`);
  const live = {
    job,
    final: false,
    model: record?.spec.target.model ?? '',
    createdAt: run?.createdAt ?? Date.parse(record?.createdAt ?? ''),
    tasks: await liveTasks(options, job, record),
  };
  return { result: briefMessage(live) };
}

async function listResults(options: ServeOptions, request: ListResultsRequest): Promise<ListResultsResponse> {
  const { limit, after } = readPage(request);
  const page = await options.results.runs(limit, after);
  return {
    results: page.runs.map((run) =>
      briefMessage({ ...run, final: run.tasks !== null, tasks: run.tasks ?? [] }),
    ),
    nextPageToken: writeToken(page.next),
  };
}

async function* streamSamples(
  options: ServeOptions,
  request: StreamSamplesRequest,
): AsyncIterable<StreamSamplesResponse> {
  yield* options.samples(request.jobId, readSamples(request));
}

async function finalizeJob(options: ServeOptions, request: FinalizeRequest): Promise<FinalizeResponse> {
  const final = await options.finalize(readFinalize(request, options.partitions));
  options.stored();
  return { files: final.files.map(fileMessage) };
}
