import {
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  status as Code,
  type ServerInterceptor,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { descriptorSet } from '@assay/proto/descriptors';
import { HealthImplementation } from 'grpc-health-check';
import { AssayError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/index.ts';
import type { Admission, Identity, Right } from './admission.ts';
import { bound, calledBy } from './handlers.ts';
import { RIGHTS } from './rights.ts';
import { toStatus } from './status.ts';

export interface RpcService {
  /** Full name, as health checks ask for it. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface ServeRpc {
  readonly host: string;
  readonly port: number;
  readonly admission: Admission;
  readonly services: readonly RpcService[];
  readonly log: Log;
  readonly metrics: Metrics;
  readonly maxReceiveBytes?: number;
  /** From then on health answers NOT_SERVING, while calls in hand go on. */
  readonly stop?: AbortSignal;
}

export interface RpcServer {
  /** host:port. */
  readonly address: string;
  /** Ends streams, lets unary calls end for `graceMs`, then cuts. */
  close(graceMs: number): Promise<void>;
}

/** Serves gRPC with health, reflection, admission and metrics for every call. */
export async function serveRpc(options: ServeRpc): Promise<RpcServer> {
  const closing = new AbortController();
  const surroundings = { log: options.log, closing: closing.signal };
  const server = new Server({
    'grpc.max_receive_message_length': options.maxReceiveBytes ?? 4 * 1024 * 1024,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': 30_000,
    // So that clients behind a balancer find new replicas; a stream that is cut is opened again.
    'grpc.max_connection_age_ms': 30 * 60_000,
    'grpc.max_connection_age_grace_ms': 5 * 60_000,
    interceptors: [measuring(options.metrics), admitting(options)],
  });
  for (const { definition, implementation } of options.services)
    server.addService(definition, bound(implementation, surroundings));
  const names = ['', ...options.services.map(({ name }) => name)];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, 'SERVING'])));
  const unserve = () => names.forEach((name) => health.setStatus(name, 'NOT_SERVING'));
  options.stop?.addEventListener('abort', unserve, { once: true });
  health.addToServer(server);
  new ReflectionService(loadFileDescriptorSetFromBuffer(descriptorSet())).addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `${options.host}:${options.port}`,
      ServerCredentials.createInsecure(),
      (error, chosen) => {
        if (error === null) resolve(chosen);
        else
          reject(
            new AssayError('UNAVAILABLE', `port ${options.port} cannot be taken: ${error.message}`, {
              cause: error,
            }),
          );
      },
    );
  });
  return {
    address: `${options.host}:${port}`,
    async close(graceMs) {
      unserve();
      closing.abort(new Error('the server shuts down'));
      const cut = setTimeout(() => server.forceShutdown(), graceMs);
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      clearTimeout(cut);
    },
  };
}

/** Health is open to all; reflection needs an identity; a method of ours needs its right, too. */
function admitting({ admission, services, log }: ServeRpc): ServerInterceptor {
  const ours = new Set(
    services.flatMap(({ definition }) => Object.values(definition).map(({ path }) => path)),
  );
  const admit = async (path: string, metadata: Metadata): Promise<Identity> => {
    const identity = await admission.authenticate(bearerOf(metadata));
    if (ours.has(path)) await admission.authorize(identity, rightOf(path));
    return identity;
  };
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, forward) {
            if (path.startsWith('/grpc.health.')) return forward(metadata);
            const refuse = (error: unknown) => {
              const { code, details, metadata: trailer } = toStatus(error);
              log[code === Code.INTERNAL ? 'error' : 'info']({ err: error, rpc: path, code }, 'not admitted');
              call.sendStatus({ code, details, metadata: trailer ?? new Metadata() });
            };
            void admit(path, metadata).then((identity) => forward(calledBy(metadata, identity)), refuse);
          },
        }),
    });
}

function rightOf(path: string): Right {
  const right = RIGHTS[path];
  if (right === undefined) throw new Error(`${path} asks for no right`);
  return right;
}

function bearerOf(metadata: Metadata): string | undefined {
  const [given] = metadata.get('authorization');
  if (given === undefined) return undefined;
  const token = /^bearer +(.*)$/is.exec(String(given))?.[1];
  if (token !== undefined) return token;
  throw new AssayError('UNAUTHENTICATED', 'the authorization that was sent is not "Bearer" and a token');
}

function measuring(metrics: Metrics): ServerInterceptor {
  const handled = metrics.counter({
    name: 'grpc_server_handled_total',
    help: 'RPCs that ended, by code.',
    labels: ['service', 'method', 'code'],
  });
  const seconds = metrics.histogram({
    name: 'grpc_server_handling_seconds',
    help: 'Time from the start of an RPC to its end.',
    labels: ['service', 'method'],
    buckets: [0.002, 0.01, 0.05, 0.2, 1, 5, 30, 300],
  });
  // Unknown methods never come this far, so callers cannot make labels.
  return (definition, call) => {
    const startedAt = performance.now();
    const [, service = '', method = ''] = definition.path.split('/');
    let ended = false;
    const end = (code: Code) => {
      if (ended) return;
      ended = true;
      handled.inc({ service, method, code: Code[code] });
      seconds.observe({ service, method }, (performance.now() - startedAt) / 1_000);
    };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          // Also called after a status was sent. A passed deadline sends its status past the interceptors.
          onCancel: () =>
            end(Number(call.getDeadline()) <= Date.now() ? Code.DEADLINE_EXCEEDED : Code.CANCELLED),
        }),
      sendStatus(status, next) {
        end(status.code);
        next(status);
      },
    });
  };
}
