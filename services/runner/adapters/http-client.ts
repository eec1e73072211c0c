import { Pool, type Dispatcher } from 'undici';
import type { Control, Failure } from '../ports.ts';

export interface HttpAnswer {
  readonly ok: true;
  readonly status: number;
  readonly retryAfterMs?: number;
  readonly body: Buffer;
}

export type HttpReply = HttpAnswer | Failure;

export interface HttpClient {
  get(path: string, control: Control): Promise<HttpReply>;
  post(path: string, body: string, control: Control): Promise<HttpReply>;
  close(): Promise<void>;
}

export interface HttpClientOptions {
  readonly origin: string;
  /** Connections kept at most. */
  readonly connections: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A larger answer is given up. */
  readonly mostBytes: number;
  readonly onStatus: (status: number) => void;
  readonly now: () => number;
}

const SWEEP_MS = 100;
const CONNECT_MS = 10_000;
// Below what servers keep by default, so that a request seldom meets a connection that is being closed.
const KEEP_ALIVE_MS = 4_000;

/** A keep-alive pool to one server. Redirects are not followed: they would take the key along. */
export function httpClient(options: HttpClientOptions): HttpClient {
  const pool = new Pool(options.origin, {
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: { timeout: CONNECT_MS },
    // Deadlines are ours: one for a whole try, however slowly it drips.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const open = new Set<Exchange>();
  const sweep = setInterval(() => {
    const nowMs = options.now();
    for (const exchange of open) exchange.check(nowMs);
  }, SWEEP_MS);
  sweep.unref();
  const json = { ...options.headers, 'content-type': 'application/json' };

  function send(request: Dispatcher.DispatchOptions, control: Control): Promise<HttpReply> {
    return new Promise((resolve) => {
      const exchange: Exchange = new Exchange(control, options, (reply) => {
        open.delete(exchange);
        resolve(reply);
      });
      open.add(exchange);
      pool.dispatch(request, exchange);
    });
  }

  return {
    get: (path, control) => send({ method: 'GET', path, headers: options.headers }, control),
    post: (path, body, control) => send({ method: 'POST', path, headers: json, body }, control),
    async close() {
      await pool.close();
      clearInterval(sweep);
    },
  };
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #control: Control;
  readonly #options: HttpClientOptions;
  readonly #untilMs: number;
  readonly #chunks: Buffer[] = [];
  #settle: ((reply: HttpReply) => void) | null;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #retryAfterMs: number | undefined;
  #bytes = 0;

  constructor(control: Control, options: HttpClientOptions, settle: (reply: HttpReply) => void) {
    this.#control = control;
    this.#options = options;
    this.#untilMs = options.now() + control.timeoutMs;
    this.#settle = settle;
  }

  check(nowMs: number): void {
    if (this.#control.signal.aborted) this.#fail('cancelled', 'given up');
    else if (nowMs >= this.#untilMs)
      this.#fail('timed-out', `no whole answer within ${this.#control.timeoutMs} ms`);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settle === null) controller.abort(new Error('given up'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#status = status;
    if (status !== 200) this.#retryAfterMs = retryAfterOf(headers['retry-after'], Date.now());
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#bytes > this.#options.mostBytes) {
      this.#fail('too-large', `the answer is larger than ${this.#options.mostBytes} bytes`);
    }
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    const wait = this.#retryAfterMs === undefined ? {} : { retryAfterMs: this.#retryAfterMs };
    this.#end({ ok: true, status: this.#status, body, ...wait });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#status !== 0) return this.#fail('cut-off', `the answer broke off: ${wordsOf(error)}`);
    const kind = isNoConnection(error) ? 'unreachable' : 'broken';
    return this.#fail(kind, wordsOf(error));
  }

  #fail(kind: Failure['kind'], detail: string): void {
    if (this.#settle === null) return;
    this.#end({ ok: false, kind, status: this.#status, detail });
    this.#controller?.abort(new Error(detail));
  }

  #end(reply: HttpReply): void {
    const settle = this.#settle;
    if (settle === null) return;
    this.#settle = null;
    this.#options.onStatus(reply.ok ? this.#status : 0);
    settle(reply);
  }
}

const NO_CONNECTION: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function isNoConnection(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && NO_CONNECTION.has(error.code);
}

function wordsOf(error: Error): string {
  const code = 'code' in error ? String(error.code) : error.name;
  return error.message === '' ? code : error.message;
}

/** Milliseconds of a `Retry-After` header: seconds, or an HTTP date. */
export function retryAfterOf(header: string | string[] | undefined, nowMs: number): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
