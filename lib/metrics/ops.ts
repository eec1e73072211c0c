import { createServer, type ServerResponse } from 'node:http';
import { AssayError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from './metrics.ts';

export interface OpsOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** Null when the service can do its work, else why it cannot. */
  readonly ready: () => Promise<string | null>;
  /** From then on the service is not ready, whatever it can still do. */
  readonly stop?: AbortSignal;
  readonly log: Log;
}

export interface OpsServer {
  /** host:port. */
  readonly address: string;
  close(): Promise<void>;
}

const READY_MS = 3_000;

/** Serves /metrics, /livez and /readyz. */
export async function serveOps(options: OpsOptions): Promise<OpsServer> {
  const { metrics, log } = options;
  const answer = async (url: string | undefined, response: ServerResponse): Promise<void> => {
    switch (url?.split('?')[0]) {
      case '/metrics':
        return send(response, 200, await metrics.text(), metrics.contentType);
      case '/livez':
        return send(response, 200, 'alive\n');
      case '/readyz': {
        const why = options.stop?.aborted === true ? 'shuts down' : await readiness(options);
        return why === null ? send(response, 200, 'ready\n') : send(response, 503, `not ready: ${why}\n`);
      }
      default:
        return send(response, 404, 'there are /metrics, /livez and /readyz\n');
    }
  };
  const server = createServer((request, response) => {
    answer(request.url, response).catch((error: unknown) => {
      log.warn({ err: error, url: request.url }, 'not answered');
      if (!response.headersSent) send(response, 500, 'failed\n');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new AssayError('UNAVAILABLE', `port ${options.port} cannot be taken: ${error.message}`, {
          cause: error,
        }),
      ),
    );
    server.listen(options.port, options.host, resolve);
  });
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : options.port;
  return {
    address: `${options.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

// A check that hangs, or fails, is a service that cannot do its work.
async function readiness({ ready, log }: OpsOptions): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(`the check took longer than ${READY_MS} ms`), READY_MS);
  try {
    return await Promise.race([ready(), promise]);
  } catch (error) {
    log.warn({ err: error }, 'readiness could not be checked');
    return 'the check failed; the log has why';
  } finally {
    clearTimeout(timer);
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
