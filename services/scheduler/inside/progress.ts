import { createServer, type ServerResponse } from 'node:http';
import { AssayError } from '@assay/lib/errors';

/** What `GET /progress` of a program inside a pod says. */
export interface Progress {
  readonly bytes: number;
  readonly totalBytes: number | null;
  readonly files: number;
  /** ISO 8601; null while nothing grew. */
  readonly lastGrowth: string | null;
  readonly detail: string;
}

export interface ProgressOptions {
  readonly host: string;
  readonly port: number;
  readonly progress: () => Promise<Progress>;
  /** Of `GET /started`: null once whoever waits for it may start, else why not yet. */
  readonly started?: () => Promise<string | null>;
}

export interface ProgressServer {
  /** host:port. */
  readonly address: string;
}

/** Serves until the process ends. */
export async function serveProgress(options: ProgressOptions): Promise<ProgressServer> {
  const { host, port, progress, started } = options;
  const answer = async (url: string | undefined, response: ServerResponse): Promise<void> => {
    if (url === '/progress') return send(response, 200, await progress());
    if (url !== '/started' || started === undefined)
      return send(response, 404, { detail: 'there is /progress' });
    const why = await started();
    return send(response, why === null ? 200 : 503, { detail: why ?? 'started' });
  };
  const server = createServer((request, response) => {
    answer(request.url, response).catch((error: unknown) => send(response, 500, { detail: String(error) }));
  });
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: Error) =>
      reject(new AssayError('UNAVAILABLE', `port ${port} cannot be taken: ${cause.message}`, { cause }));
    server.once('error', failed);
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  return { address: `${host}:${typeof bound === 'object' && bound !== null ? bound.port : port}` };
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
