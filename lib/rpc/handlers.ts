import type {
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  ServerErrorResponse,
  ServerWritableStream,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { EventEmitter } from 'node:events';
import { AssayError, passing } from '../errors.ts';
import { createLog, type Log } from '../log.ts';
import type { Identity } from './admission.ts';
import { toStatus } from './status.ts';

// Only a handler that no server bound would ever use it.
const unserved = createLog({ service: 'rpc', level: 'silent', pretty: false });

/** What a handler knows of its call beside the request. */
export interface CallContext {
  /** From the caller's identity, never from the request. */
  readonly tenant: string;
  /** Aborts when the caller goes, the deadline passes or the server shuts down. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

interface AnyCall extends EventEmitter {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPath(): string;
}

/** What a server lends its handlers. */
export interface Surroundings {
  readonly log: Log;
  /** Aborts when the server shuts down. */
  readonly closing: AbortSignal;
}

// Handlers are made before there is a server; it binds them to its log and its shutdown when it starts.
const makers = new WeakMap<object, (surroundings: Surroundings) => UntypedHandleCall>();

/** The implementation with each handler bound to the server that serves it. */
export function bound(
  implementation: UntypedServiceImplementation,
  surroundings: Surroundings,
): UntypedServiceImplementation {
  return Object.fromEntries(
    Object.entries(implementation).map(([name, handler]) => [
      name,
      makers.get(handler)?.(surroundings) ?? handler,
    ]),
  );
}

function bindable<H extends UntypedHandleCall>(make: (surroundings: Surroundings) => H): H {
  const handler = make({ log: unserved, closing: AbortSignal.abort() });
  makers.set(handler, make);
  return handler;
}

/** A unary handler: an answer, or an error that becomes a status. */
export function unary<Request, Response>(
  handler: (request: Request, context: CallContext) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return bindable<handleUnaryCall<Request, Response>>((surroundings) => (call, callback) => {
    const context = contextOf(call, surroundings);
    const failed = (error: unknown) => callback(errorResponse(error, context, surroundings));
    void settle(
      () => handler(call.request, context),
      (response) => callback(null, response),
      failed,
    );
  });
}

/** A server stream. The next response is asked for only when the reader has taken the last: nothing piles up. */
export function serverStream<Request, Response>(
  handler: (request: Request, context: CallContext) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return bindable<handleServerStreamingCall<Request, Response>>((surroundings) => (call) => {
    const context = contextOf(call, surroundings);
    const failed = (error: unknown) => call.emit('error', errorResponse(error, context, surroundings));
    void settle(
      () => pump(call, handler(call.request, context), context.signal),
      () => call.end(),
      failed,
    );
  });
}

/** A client stream: read as fast as the handler takes it. */
export function clientStream<Request, Response>(
  handler: (requests: AsyncIterable<Request>, context: CallContext) => Promise<Response>,
): handleClientStreamingCall<Request, Response> {
  return bindable<handleClientStreamingCall<Request, Response>>((surroundings) => (call, callback) => {
    const context = contextOf(call, surroundings);
    const failed = (error: unknown) => callback(errorResponse(error, context, surroundings));
    void settle(
      () => handler(call, context),
      (response) => callback(null, response),
      failed,
    );
  });
}

// What a handler throws before it awaits anything is its failure too.
async function settle<T>(
  work: () => Promise<T>,
  done: (value: T) => void,
  failed: (error: unknown) => void,
): Promise<void> {
  let value: T;
  try {
    value = await work();
  } catch (error) {
    return failed(error);
  }
  return done(value);
}

async function pump<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  responses: AsyncIterable<Response>,
  signal: AbortSignal,
): Promise<void> {
  for await (const response of responses) {
    if (signal.aborted) return;
    if (!call.write(response)) await drained(call, signal);
  }
}

function drained(call: EventEmitter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      call.off('drain', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    call.once('drain', end);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}

// Metadata is all that an interceptor and a handler both see. As a header of it an identity could be sent by a caller.
const callers = new WeakMap<Metadata, Identity>();

/** The metadata, which its handler will know to be of this caller. */
export function calledBy(metadata: Metadata, identity: Identity): Metadata {
  callers.set(metadata, identity);
  return metadata;
}

function contextOf(call: AnyCall, { log, closing }: Surroundings): CallContext {
  const identity = callers.get(call.metadata);
  if (identity === undefined) throw new Error(`${call.getPath()} was called by nobody`);
  const { tenant, user } = identity;
  const gone = new AbortController();
  call.on('cancelled', () => gone.abort(new Error('the caller is gone')));
  if (call.cancelled) gone.abort(new Error('the caller is gone'));
  const trace = traceOf(call.metadata);
  return {
    tenant,
    signal: AbortSignal.any([gone.signal, closing]),
    log: log.child({ rpc: call.getPath(), tenant, user, ...(trace === null ? {} : { trace }) }),
  };
}

/** The trace id of a `traceparent` (https://www.w3.org/TR/trace-context/); anything else is not logged. */
function traceOf(metadata: Metadata): string | null {
  const [parent] = metadata.get('traceparent');
  if (typeof parent !== 'string') return null;
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(parent)?.[1] ?? null;
}

function errorResponse(error: unknown, context: CallContext, { closing }: Surroundings): ServerErrorResponse {
  // What a handler throws because it was told to stop is no fault of its own.
  const stopped = context.signal.aborted && !(error instanceof AssayError);
  const sent = stopped ? endedFor(closing, error) : AssayError.from(error);
  const status = toStatus(sent);
  const level = sent.reason === 'INTERNAL' ? 'error' : 'info';
  context.log[level]({ err: error, code: status.code }, 'call failed');
  return Object.assign(new Error(status.details), status);
}

function endedFor(closing: AbortSignal, cause: unknown): AssayError {
  return closing.aborted
    ? passing('UNAVAILABLE', 'the server shuts down', cause)
    : new AssayError('CANCELLED', 'the caller is gone', { cause });
}
