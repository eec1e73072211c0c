import {
  ChannelCredentials,
  InterceptingCall,
  Metadata,
  type CallOptions,
  type Client,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { AssayError } from '../errors.ts';
import { fromServiceError } from './status.ts';

type Constructor<C> = new (
  address: string,
  credentials: ChannelCredentials,
  options?: Partial<ClientOptions>,
) => C;

export interface Connection {
  /** Or what gives the one that is good now, asked for each call. */
  readonly token?: string | (() => string);
}

/** A client whose every call carries the token. It connects when first used and again when the server comes back. */
export function connectRpc<C extends Client>(
  Constructed: Constructor<C>,
  address: string,
  connection: Connection = {},
): C {
  const { token } = connection;
  return new Constructed(address, ChannelCredentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.keepalive_time_ms': 30_000,
    interceptors:
      token === undefined
        ? []
        : [
            (options, next) =>
              new InterceptingCall(next(options), {
                start: (metadata, listener, start) => {
                  metadata.set('authorization', `Bearer ${typeof token === 'string' ? token : token()}`);
                  start(metadata, listener);
                },
              }),
          ],
  });
}

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

// Generated clients overload each method; the last overload, with metadata and options, is the one inferred from.
type UnaryOf<F> =
  F extends Unary<infer Request, infer Response> ? { request: Request; response: Response } : never;
type StreamingOf<F> =
  F extends Streaming<infer Request, infer Response> ? { request: Request; response: Response } : never;
type ClientStreamingOf<F> =
  F extends ClientStreaming<infer Request, infer Response> ? { request: Request; response: Response } : never;

export interface CallSettings {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** W3C trace context, so that the server's log can be found by the caller's trace. */
  readonly traceparent?: string;
}

/** One unary call. Rejects with an AssayError, whatever went wrong. */
export function call<C extends Client, M extends keyof C>(
  client: C & Record<M, Unary<UnaryOf<C[M]>['request'], UnaryOf<C[M]>['response']>>,
  method: M,
  request: UnaryOf<C[M]>['request'],
  settings: CallSettings,
): Promise<UnaryOf<C[M]>['response']> {
  return new Promise((resolve, reject) => {
    if (settings.signal?.aborted === true)
      return reject(new AssayError('CANCELLED', 'cancelled before it was sent'));
    const options = { deadline: Date.now() + settings.deadlineMs };
    const metadata = new Metadata();
    if (settings.traceparent !== undefined) metadata.set('traceparent', settings.traceparent);
    const started = client[method](request, metadata, options, (error, response) => {
      settings.signal?.removeEventListener('abort', cancel);
      if (error === null) resolve(response);
      else reject(faultOf(error, client, settings.signal));
    });
    const cancel = () => started.cancel();
    settings.signal?.addEventListener('abort', cancel, { once: true });
    return undefined;
  });
}

type Streaming<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
) => ClientReadableStream<Response>;

/** One server stream. Its end without an error ends the iteration; everything else throws an AssayError. */
export async function* callStream<C extends Client, M extends keyof C>(
  client: C & Record<M, Streaming<StreamingOf<C[M]>['request'], StreamingOf<C[M]>['response']>>,
  method: M,
  request: StreamingOf<C[M]>['request'],
  settings: { readonly deadlineMs?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<StreamingOf<C[M]>['response']> {
  type Response = StreamingOf<C[M]>['response'];
  if (settings.signal?.aborted === true) throw new AssayError('CANCELLED', 'cancelled before it was sent');
  const options = settings.deadlineMs === undefined ? {} : { deadline: Date.now() + settings.deadlineMs };
  const stream: ClientReadableStream<Response> & AsyncIterable<Response> = client[method](
    request,
    new Metadata(),
    options,
  );
  const cancel = () => stream.cancel();
  settings.signal?.addEventListener('abort', cancel, { once: true });
  try {
    for await (const response of stream) yield response;
  } catch (error) {
    throw isServiceError(error) ? faultOf(error, client, settings.signal) : error;
  } finally {
    settings.signal?.removeEventListener('abort', cancel);
    stream.cancel();
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error && 'details' in error;
}

function faultOf(error: ServiceError, client: Client, signal: AbortSignal | undefined): AssayError {
  return fromServiceError(error, addressOf(client), signal?.aborted === true);
}

function addressOf(client: Client): string {
  return client.getChannel().getTarget().replace(/^dns:/, '');
}

type ClientStreaming<Request, Response> = (
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientWritableStream<Request>;

/** One client stream: write, then `end()`; `answer` rejects with an AssayError, also before the end. */
export function clientStreamCall<C extends Client, M extends keyof C>(
  client: C &
    Record<M, ClientStreaming<ClientStreamingOf<C[M]>['request'], ClientStreamingOf<C[M]>['response']>>,
  method: M,
  settings: { readonly deadlineMs: number; readonly signal?: AbortSignal },
): {
  readonly stream: ClientWritableStream<ClientStreamingOf<C[M]>['request']>;
  readonly answer: Promise<ClientStreamingOf<C[M]>['response']>;
} {
  type Response = ClientStreamingOf<C[M]>['response'];
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const stream = client[method](
    new Metadata(),
    { deadline: Date.now() + settings.deadlineMs },
    (error, response) => {
      if (error === null) resolve(response);
      else reject(faultOf(error, client, settings.signal));
    },
  );
  // Also emitted as an event; the answer carries it.
  stream.on('error', () => undefined);
  const cancel = () => stream.cancel();
  settings.signal?.addEventListener('abort', cancel, { once: true });
  if (settings.signal?.aborted === true) cancel();
  return { stream, answer: promise.finally(() => settings.signal?.removeEventListener('abort', cancel)) };
}
