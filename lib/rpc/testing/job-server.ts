import { JobServiceClient, JobServiceService, type JobServiceServer } from '@assay/proto/assay/v1/job';
import { AssayError } from '../../errors.ts';
import { createLog } from '../../log.ts';
import { createMetrics, type Metrics } from '../../metrics/index.ts';
import {
  connectRpc,
  serverStream,
  serveRpc,
  sharedToken,
  unary,
  type RpcServer,
  type ServeRpc,
} from '../index.ts';

export interface JobServer {
  readonly server: RpcServer;
  readonly metrics: Metrics;
  /** What the server logged, parsed. */
  readonly logged: Record<string, unknown>[];
  connect(token?: string): JobServiceClient;
  close(): Promise<void>;
}

/** A real server on a free port whose JobService does what `own` says and knows nothing else. */
export async function serveJobs(
  own: Partial<JobServiceServer>,
  options: Partial<Pick<ServeRpc, 'admission' | 'maxReceiveBytes'>> = {},
): Promise<JobServer> {
  const unknown = unary<unknown, never>(() => Promise.reject(new AssayError('NOT_FOUND', 'nothing here')));
  const nothing = serverStream<unknown, never>(async function* () {});
  const implementation: JobServiceServer = {
    submitJob: unknown,
    getJob: unknown,
    listJobs: unknown,
    cancelJob: unknown,
    watchJob: nothing,
    ...own,
  };
  const metrics = createMetrics('test');
  const logged: Record<string, unknown>[] = [];
  const write = (line: string) => void logged.push(JSON.parse(line));
  const server = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    log: createLog({ service: 'test', level: 'info', pretty: false }, { write }),
    metrics,
    admission: sharedToken(undefined),
    services: [{ name: 'assay.v1.JobService', definition: JobServiceService, implementation }],
    ...options,
  });
  const clients: JobServiceClient[] = [];
  return {
    server,
    metrics,
    logged,
    connect(token) {
      const client = connectRpc(JobServiceClient, server.address, token === undefined ? {} : { token });
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.close();
      await server.close(500);
    },
  };
}
