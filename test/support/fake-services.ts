import { createLog } from '@assay/lib/log';
import { createMetrics } from '@assay/lib/metrics';
import { clientStream, serverStream, serveRpc, sharedToken, unary, type RpcServer } from '@assay/lib/rpc';
import { AssayError } from '@assay/lib/errors';
import {
  CatalogServiceService,
  type CatalogServiceServer,
  type ListModelsResponse,
  type ListTasksResponse,
  type UploadBundleRequest,
  type UploadBundleResponse,
} from '@assay/proto/assay/v1/catalog';
import {
  Job,
  JobServiceService,
  type CancelJobRequest,
  type CancelJobResponse,
  type GetJobRequest,
  type GetJobResponse,
  type JobServiceServer,
  type ListJobsRequest,
  type ListJobsResponse,
  type SubmitJobRequest,
  type SubmitJobResponse,
  type WatchJobRequest,
  type WatchJobResponse,
} from '@assay/proto/assay/v1/job';
import {
  ResultServiceService,
  type FinalizeResponse,
  type GetResultRequest,
  type GetResultResponse,
  type ListResultsResponse,
  type Result,
  type ResultServiceServer,
  type StreamSamplesRequest,
  type StreamSamplesResponse,
} from '@assay/proto/assay/v1/result';

/** What a test says and sees of services that only talk: real gRPC, answers by script. */
export class FakeServices {
  readonly token = 'right';
  readonly submitted: SubmitJobRequest[] = [];
  readonly uploaded = new Map<string, Buffer>();
  readonly asked: StreamSamplesRequest[] = [];
  /** Largest part of an upload. */
  largestPart = 0;
  jobs = new Map<string, Job>();
  results = new Map<string, Result>();
  rows: StreamSamplesResponse[] = [];
  /** Thrown instead of storing a submitted job. */
  refusal: AssayError | null = null;
  readonly #changes = new EventTarget();
  #server: RpcServer | null = null;
  #port = 0;

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** The job as it is from now on; those who watch see it. */
  set(job: Job): void {
    this.jobs.set(job.id, job);
    this.#changes.dispatchEvent(new Event('job'));
  }

  /** Serves, on the same port each time. */
  async start(): Promise<void> {
    this.#server = await serveRpc({
      host: '127.0.0.1',
      port: this.#port,
      admission: sharedToken(this.token),
      log: createLog({ service: 'fake', level: 'silent', pretty: false }),
      metrics: createMetrics('fake'),
      services: [
        { name: 'assay.v1.JobService', definition: JobServiceService, implementation: this.#jobService() },
        {
          name: 'assay.v1.CatalogService',
          definition: CatalogServiceService,
          implementation: this.#catalogService(),
        },
        {
          name: 'assay.v1.ResultService',
          definition: ResultServiceService,
          implementation: this.#resultService(),
        },
      ],
    });
    this.#port = Number(this.#server.address.split(':')[1]);
  }

  async stop(): Promise<void> {
    await this.#server?.close(100);
    this.#server = null;
  }

  #job(id: string): Job {
    const job = this.jobs.get(id);
    if (job === undefined) throw new AssayError('NOT_FOUND', `there is no job "${id}"`);
    return job;
  }

  #jobService(): JobServiceServer {
    return {
      submitJob: unary<SubmitJobRequest, SubmitJobResponse>(async (request) => {
        this.submitted.push(request);
        if (this.refusal !== null) throw this.refusal;
        if (!request.validateOnly) return { job: this.#job('j1'), dryRun: undefined };
        const task = {
          name: 'a',
          samples: 3n,
          requests: 6n,
          firstPrompt: 'Q:\u001b[2J?\nA:',
          promptChars: 10n,
        };
        return { job: undefined, dryRun: { tasks: [task], placement: 'on cpu' } };
      }),
      getJob: unary<GetJobRequest, GetJobResponse>(async ({ jobId }) => ({ job: this.#job(jobId) })),
      listJobs: unary<ListJobsRequest, ListJobsResponse>(async ({ pageSize, pageToken, state }) => {
        const all = [...this.jobs.values()].filter(
          (job) => state === 'JOB_STATE_UNSPECIFIED' || job.state === state,
        );
        const from = Number(pageToken);
        // Smaller pages than were asked for are allowed.
        const to = from + Math.min(pageSize, 2);
        return { jobs: all.slice(from, to), nextPageToken: to < all.length ? String(to) : '' };
      }),
      watchJob: serverStream<WatchJobRequest, WatchJobResponse>(({ jobId }, { signal }) =>
        this.#watch(jobId, signal),
      ),
      cancelJob: unary<CancelJobRequest, CancelJobResponse>(async ({ jobId }) => ({ job: this.#job(jobId) })),
    };
  }

  async *#watch(jobId: string, signal: AbortSignal): AsyncGenerator<WatchJobResponse> {
    let last: Job | null = null;
    while (!signal.aborted) {
      const job = this.#job(jobId);
      if (job !== last) yield { job };
      last = job;
      if (this.jobs.get(jobId) === job) await this.#changed(signal);
    }
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#changes.removeEventListener('job', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#changes.addEventListener('job', done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  #catalogService(): CatalogServiceServer {
    const model = { name: 'tiny', description: 'A small one', license: 'Apache-2.0', devices: ['cpu'] };
    const task = {
      name: 'a',
      outputType: 'generate_until',
      description: 'Sums',
      file: 'a.yaml',
      unsupported: '',
    };
    return {
      listModels: unary<unknown, ListModelsResponse>(async () => ({ models: [model] })),
      listTasks: unary<unknown, ListTasksResponse>(async () => ({ tasks: [task] })),
      uploadBundle: clientStream<UploadBundleRequest, UploadBundleResponse>(async (parts) => {
        let open = '';
        for await (const part of parts) {
          if (part.path !== '') open = part.path;
          if (open.endsWith('.exe')) throw new AssayError('BUNDLE_INVALID', 'no programs');
          this.largestPart = Math.max(this.largestPart, part.chunk.length);
          this.uploaded.set(open, Buffer.concat([this.uploaded.get(open) ?? Buffer.alloc(0), part.chunk]));
        }
        return { bundle: 'b1', files: this.uploaded.size, bytes: 0n };
      }),
    };
  }

  #resultService(): ResultServiceServer {
    return {
      getResult: unary<GetResultRequest, GetResultResponse>(async ({ jobId }) => {
        const result = this.results.get(jobId);
        if (result === undefined) throw new AssayError('NOT_FOUND', `job "${jobId}" has no result`);
        return { result };
      }),
      listResults: unary<unknown, ListResultsResponse>(async () => ({ results: [], nextPageToken: '' })),
      streamSamples: serverStream<StreamSamplesRequest, StreamSamplesResponse>((request) =>
        this.#samples(request),
      ),
      finalize: unary<unknown, FinalizeResponse>(() =>
        Promise.reject(new AssayError('UNAUTHENTICATED', 'not you')),
      ),
    };
  }

  async *#samples(request: StreamSamplesRequest): AsyncGenerator<StreamSamplesResponse> {
    this.asked.push(request);
    yield* this.rows.filter((row) => request.task === '' || row.task === request.task);
  }
}
