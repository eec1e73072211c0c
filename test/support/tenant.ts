import { call, callStream, clientStreamCall, connectRpc } from '@assay/lib/rpc';
import { CatalogServiceClient } from '@assay/proto/assay/v1/catalog';
import { JobServiceClient, JobState, type Job, type SubmitJobRequest } from '@assay/proto/assay/v1/job';
import { ResultServiceClient, type FinalizeRequest } from '@assay/proto/assay/v1/result';

const settings = { deadlineMs: 20_000 };

/** Everything that a caller can ask of Assay, as whom the token names. */
export interface Tenant {
  upload(files: Readonly<Record<string, string>>): Promise<string>;
  submit(request: Partial<SubmitJobRequest>): Promise<string>;
  /** Names of the tasks of a bundle and of the catalog. */
  tasks(bundle: string): Promise<string[]>;
  models(): Promise<unknown>;
  job(id: string): Promise<Job | undefined>;
  /** The job as it is at first. */
  watch(id: string): Promise<Job | undefined>;
  cancel(id: string): Promise<unknown>;
  jobs(pageToken?: string, pageSize?: number): Promise<Listed>;
  result(id: string): Promise<unknown>;
  samples(id: string): Promise<string[]>;
  results(pageToken?: string, pageSize?: number): Promise<Listed>;
  finalize(id: string): Promise<unknown>;
  close(): void;
}

export interface Listed {
  readonly ids: readonly string[];
  readonly next: string;
}

export interface Addresses {
  readonly scheduler: string;
  readonly reporter: string;
}

export function tenantOf({ scheduler, reporter }: Addresses, token: string | undefined): Tenant {
  const connection = token === undefined ? {} : { token };
  const jobs = connectRpc(JobServiceClient, scheduler, connection);
  const catalog = connectRpc(CatalogServiceClient, scheduler, connection);
  const results = connectRpc(ResultServiceClient, reporter, connection);
  return {
    async upload(files) {
      const { stream, answer } = clientStreamCall(catalog, 'uploadBundle', settings);
      for (const [path, text] of Object.entries(files)) stream.write({ path, chunk: Buffer.from(text) });
      stream.end();
      return (await answer).bundle;
    },
    async submit(request) {
      const whole: SubmitJobRequest = { ...NOTHING, ...request };
      return (await call(jobs, 'submitJob', whole, settings)).job?.id ?? '';
    },
    async tasks(bundle) {
      return (await call(catalog, 'listTasks', { bundle }, settings)).tasks.map(({ name }) => name);
    },
    models: () => call(catalog, 'listModels', {}, settings),
    job: async (jobId) => (await call(jobs, 'getJob', { jobId }, settings)).job,
    async watch(jobId) {
      for await (const { job } of callStream(jobs, 'watchJob', { jobId }, settings)) return job;
      return undefined;
    },
    cancel: (jobId) => call(jobs, 'cancelJob', { jobId }, settings),
    async jobs(pageToken = '', pageSize = 0) {
      const page = await call(
        jobs,
        'listJobs',
        { pageSize, pageToken, state: JobState.UNSPECIFIED },
        settings,
      );
      return { ids: page.jobs.map(({ id }) => id), next: page.nextPageToken };
    },
    result: async (jobId) => (await call(results, 'getResult', { jobId }, settings)).result,
    async samples(jobId) {
      const lines: string[] = [];
      const request = { jobId, task: '', failedOnly: false, unscoredOnly: false };
      for await (const { json } of callStream(results, 'streamSamples', request, settings)) lines.push(json);
      return lines;
    },
    async results(pageToken = '', pageSize = 0) {
      const page = await call(results, 'listResults', { pageSize, pageToken }, settings);
      return { ids: page.results.map(({ jobId }) => jobId), next: page.nextPageToken };
    },
    finalize: (jobId) => call(results, 'finalize', { ...UNFINISHED, jobId }, settings),
    close() {
      for (const client of [jobs, catalog, results]) client.close();
    },
  };
}

const NOTHING: SubmitJobRequest = {
  requestId: 'r',
  target: undefined,
  tasks: [],
  bundle: '',
  seed: undefined,
  validateOnly: false,
  maxConcurrency: 0,
};

const UNFINISHED: Omit<FinalizeRequest, 'jobId'> = {
  partition: 'p0',
  epoch: 0,
  plan: `sha256:${'0'.repeat(64)}`,
  counts: [{ task: 'T', samples: 1n, scores: 1n }],
  model: 'forged',
  serverKind: 'external',
  endpoint: '',
  seed: 0n,
  startTime: new Date(0).toISOString(),
  endTime: new Date(1).toISOString(),
  provenance: {},
};
