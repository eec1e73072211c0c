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
import { createLog, type Log } from '../log.ts';
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
    handler(call.request, context).then(
      (response) => callback(null, response),
      (error: unknown) => callback(errorResponse(error, context.log)),
    );
  });
}

/** A server stream. The next response is asked for only when the reader has taken the last: nothing piles up. */
export function serverStream<Request, Response>(
  handler: (request: Request, context: CallContext) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return bindable<handleServerStreamingCall<Request, Response>>((surroundings) => (call) => {
    const context = contextOf(call, surroundings);
    pump(call, handler(call.request, context), context.signal).then(
      () => call.end(),
      (error: unknown) => call.emit('error', errorResponse(error, context.log)),
    );
  });
}

/** A client stream: read as fast as the handler takes it. */
export function clientStream<Request, Response>(
  handler: (requests: AsyncIterable<Request>, context: CallContext) => Promise<Response>,
): handleClientStreamingCall<Request, Response> {
  return bindable<handleClientStreamingCall<Request, Response>>((surroundings) => (call, callback) => {
    const context = contextOf(call, surroundings);
    handler(call, context).then(
      (response) => callback(null, response),
      (error: unknown) => callback(errorResponse(error, context.log)),
    );
  });
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

function contextOf(call: AnyCall, { log, closing }: Surroundings): CallContext {
  const gone = new AbortController();
  call.on('cancelled', () => gone.abort(new Error('the caller is gone')));
  if (call.cancelled) gone.abort(new Error('the caller is gone'));
  const [parent] = call.metadata.get('traceparent');
  const trace = typeof parent === 'string' ? parent.split('-')[1] : undefined;
  return {
    tenant: 'default',
    signal: AbortSignal.any([gone.signal, closing]),
    log: log.child({ rpc: call.getPath(), ...(trace === undefined ? {} : { trace }) }),
  };
}

function errorResponse(error: unknown, log: Log): ServerErrorResponse {
  const status = toStatus(error);
  log.info({ err: error, code: status.code }, 'call failed');
  return Object.assign(new Error(status.details), status);
}
