import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What the fake does with one request; it answers, or leaves the connection as it wants it. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An API server for faults that a real one cannot be made to show. It holds no objects: each answer is scripted. */
export interface KubeApi {
  readonly kubeconfig: string;
  /** Method and URL of what was asked, with when, in ms of the monotonic clock. */
  readonly asked: { readonly line: string; readonly at: number }[];
  /** Answers of the requests whose line matches, each once, the last one for ever. */
  on(line: RegExp, ...answers: Answer[]): void;
  /** Forgets what was asked and scripted, and cuts all connections. */
  reset(): void;
  stop(): Promise<void>;
}

export async function startKubeApi(): Promise<KubeApi> {
  const asked: { readonly line: string; readonly at: number }[] = [];
  const rules: { readonly line: RegExp; readonly answers: Answer[] }[] = [];
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    asked.push({ line, at: performance.now() });
    const answers = rules.findLast((rule) => rule.line.test(line))?.answers ?? [status(404, 'NotFound')];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-kube-api-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  const config = {
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  return {
    kubeconfig,
    asked,
    on: (line, ...answers) => void rules.push({ line, answers }),
    reset() {
      asked.length = 0;
      rules.length = 0;
      server.closeAllConnections();
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

export function json(body: object): Answer {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
}

export function status(code: number, reason: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_, response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ kind: 'Status', code, reason, message: `${reason} of a test` }));
  };
}

/** A watch: these lines, then as it says. */
export function stream(lines: readonly string[], then: 'close' | 'reset' | 'hang'): Answer {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    response.write(lines.join(''));
    if (then === 'close') response.end();
    if (then === 'reset') setTimeout(() => response.socket?.resetAndDestroy(), 20);
  };
}

/** Takes the request and never answers. */
export const halfOpen: Answer = () => undefined;

export function event(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}
