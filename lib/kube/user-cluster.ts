import { Writable } from 'node:stream';
import type { ApiException, CoreV1Api, KubeConfig, PortForward, V1Pod } from '@kubernetes/client-node';
import { AssayError, passing } from '../errors.ts';
import { faultOf, type Asked, type Status } from './fault.ts';
import { openForward, type Dial, type Forward } from './forward.ts';
import { PODS, SERVICE_ACCOUNTS } from './resource.ts';

/** A service account, by its namespace and name. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

export interface AccountToken {
  readonly token: string;
  /** Epoch milliseconds. */
  readonly endsMs: number;
}

/** Pods with these labels, and the name of a port of theirs. */
export interface Backend {
  readonly namespace: string;
  readonly labels: string;
  readonly port: string;
}

/** The cluster of a person's kubeconfig, as that person. Every method throws with a reason of ours. */
export interface UserCluster {
  /** Of the context; `default` when it names none. */
  readonly namespace: string;
  /** Puts a ready pod behind a port of this machine, and another one when that is gone. */
  forward(backend: Backend): Promise<Forward>;
  createToken(account: Account, audience: string): Promise<AccountToken>;
}

const TOKEN_S = 3_600;
const ANSWER_MS = 15_000;

/**
 * Opens the cluster of a context, the current one by default, of `$KUBECONFIG` or `~/.kube/config`. The library is loaded
 * here: it is large, and most processes never come here.
 */
export async function openUserCluster(context: string | undefined): Promise<UserCluster> {
  const library = await import('@kubernetes/client-node');
  const config = loaded(new library.KubeConfig(), context);
  const core = config.makeApiClient(library.CoreV1Api);
  const forwarding = new library.PortForward(config);
  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    async forward(backend) {
      // Now, so that what is wrong is said before anything else.
      await readyPod(core, backend);
      return openForward(podDial(core, forwarding, backend));
    },
    async createToken({ namespace, name }, audience) {
      const body = { spec: { audiences: [audience], expirationSeconds: TOKEN_S } };
      const asked = { verb: 'create', resource: SERVICE_ACCOUNTS, namespace, name: `${name}/token` };
      const { status } = await answered(asked, () =>
        core.createNamespacedServiceAccountToken({ namespace, name, body }),
      );
      const { token, expirationTimestamp: end } = status ?? {};
      if (token === undefined || end === undefined)
        throw new AssayError('CLUSTER_REFUSED', 'the API server gave no token');
      return { token, endsMs: end.getTime() };
    },
  };
}

function loaded(config: KubeConfig, context: string | undefined): KubeConfig {
  try {
    config.loadFromDefault();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AssayError('INVALID_REQUEST', `the kubeconfig cannot be used: ${why}`, { cause: error });
  }
  const names = config.getContexts().map(({ name }) => name);
  if (context !== undefined && !names.includes(context))
    throw new AssayError(
      'INVALID_REQUEST',
      `the kubeconfig has no context "${context}"; it has ${names.length === 0 ? 'none' : names.join(', ')}`,
    );
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster() === null)
    throw new AssayError('INVALID_REQUEST', 'the kubeconfig names no cluster for the context');
  return config;
}

function podDial(core: CoreV1Api, forwarding: PortForward, backend: Backend): Dial {
  return async (socket, gone) => {
    const { name, port } = await readyPod(core, backend);
    const at = `pod ${name} in namespace "${backend.namespace}"`;
    // What the node says when the pod cannot be reached; nothing comes after it.
    const trouble = new Writable({
      write(chunk: Buffer, _, done) {
        gone(passing('UNAVAILABLE', `${at}: ${chunk.toString('utf8').trim()}`));
        done();
      },
    });
    const asked = {
      verb: 'create',
      resource: PODS,
      namespace: backend.namespace,
      name: `${name}/portforward`,
    };
    const channel = await answered(asked, () =>
      forwarding.portForward(backend.namespace, name, [port], socket, trouble, socket),
    );
    if (typeof channel === 'function') throw new Error('it was asked not to connect again by itself');
    channel.addEventListener('error', () => undefined);
    channel.addEventListener('close', () => gone());
    return { close: () => channel.close() };
  };
}

/** One of the pods that are ready, any: the next try may find what this one does not. */
async function readyPod(core: CoreV1Api, backend: Backend): Promise<{ name: string; port: number }> {
  const { namespace, labels, port: wanted } = backend;
  const asked = { verb: 'list', resource: PODS, namespace };
  const { items } = await answered(asked, () => core.listNamespacedPod({ namespace, labelSelector: labels }));
  if (items.length === 0)
    throw new AssayError(
      'UNAVAILABLE',
      `namespace "${namespace}" has no pod with ${labels}; is Assay there?`,
    );
  const ready = items.filter(isReady);
  const pod = ready[Math.floor(Math.random() * ready.length)];
  if (pod === undefined)
    throw passing('UNAVAILABLE', `none of ${items.length} pod(s) with ${labels} in "${namespace}" is ready`);
  const port = portOf(pod, wanted);
  const name = pod.metadata?.name;
  if (port === undefined || name === undefined)
    throw new AssayError('UNAVAILABLE', `pod ${name} in "${namespace}" has no port named "${wanted}"`);
  return { name, port };
}

function isReady({ metadata, status }: V1Pod): boolean {
  const ready = status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True');
  return metadata?.deletionTimestamp === undefined && ready === true;
}

function portOf({ spec }: V1Pod, name: string): number | undefined {
  return spec?.containers.flatMap(({ ports }) => ports ?? []).find((port) => port.name === name)
    ?.containerPort;
}

async function answered<T>(asked: Asked, ask: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
  try {
    return await Promise.race([ask(), late]);
  } catch (error) {
    throw userFault(asked, error);
  } finally {
    clearTimeout(timer);
  }
}

function userFault(asked: Asked, error: unknown): AssayError {
  const code = codeOf(error);
  if (code !== null) return faultOf(asked, code, statusOf(asked, error), 'status', 'you');
  const why = error instanceof Error ? error.message : messageOf(error);
  return passing('CLUSTER_UNAVAILABLE', `the API server cannot be reached: ${why}`, error);
}

function codeOf(error: unknown): number | null {
  if (isApiException(error)) return error.code;
  // A web socket that was not opened says in its message alone what the answer was.
  const code = /Unexpected server response: (\d{3})/.exec(messageOf(error))?.[1];
  return code === undefined ? null : Number(code);
}

function statusOf({ verb, resource }: Asked, error: unknown): Status {
  if (!isApiException(error))
    return { message: `you cannot ${verb} resource ${resource.plural} in this way` };
  const body: unknown = error.body;
  if (typeof body === 'object' && body !== null) return body;
  try {
    return JSON.parse(String(body)) as Status;
  } catch {
    return {};
  }
}

function isApiException(error: unknown): error is ApiException<unknown> {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'body' in error;
}

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error);
}
