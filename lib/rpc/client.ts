import {
  ChannelCredentials,
  InterceptingCall,
  Metadata,
  type CallOptions,
  type Client,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
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
  readonly token?: string;
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
                  metadata.set('authorization', `Bearer ${token}`);
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

export interface CallSettings {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** One unary call. Rejects with an AssayError, whatever went wrong. */
export function call<M extends string, Request, Response>(
  client: Client & Record<M, Unary<Request, Response>>,
  method: M,
  request: Request,
  settings: CallSettings,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (settings.signal?.aborted === true)
      return reject(new AssayError('CANCELLED', 'cancelled before it was sent'));
    const options = { deadline: Date.now() + settings.deadlineMs };
    const started = client[method](request, new Metadata(), options, (error, response) => {
      settings.signal?.removeEventListener('abort', cancel);
      if (error === null) resolve(response);
      else reject(fromServiceError(error, addressOf(client)));
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
export async function* callStream<M extends string, Request, Response>(
  client: Client & Record<M, Streaming<Request, Response>>,
  method: M,
  request: Request,
  settings: { readonly deadlineMs?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<Response> {
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
    if (isServiceError(error)) throw fromServiceError(error, addressOf(client));
    throw error;
  } finally {
    settings.signal?.removeEventListener('abort', cancel);
    stream.cancel();
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error && 'details' in error;
}

function addressOf(client: Client): string {
  return client.getChannel().getTarget().replace(/^dns:/, '');
}
