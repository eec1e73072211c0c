import { AssayError, passing } from '@assay/lib/errors';
import type { Forward, UserCluster } from '@assay/lib/kube';
import { plain } from './view/plain.ts';

/** The services of a cluster, forwarded to this machine for as long as a command runs. */
export interface Reached {
  readonly scheduler: string;
  readonly reporter: string;
  /** Why calls fail, where that is known better than by what the forwarded connection shows. */
  explain(error: unknown): unknown;
  close(): void;
}

export interface TokenSource {
  /** The one that is good now. */
  readonly token: () => string;
  close(): void;
}

const AUDIENCE = 'assay';
const COMPONENT = 'app.kubernetes.io/component';
/** The part of a token's life after which a new one is asked for, and how long after a failure. */
const RENEW_AT = 0.8;
const RETRY_MS = 10_000;

/** Forwards a port of this machine to the scheduler's pods and one to the reporter's. */
export async function reach(cluster: UserCluster, namespace: string): Promise<Reached> {
  const forwards: Forward[] = [];
  const to = async (component: string) => {
    const backend = { namespace, labels: `${COMPONENT}=${component}`, port: 'grpc' };
    const forward = await cluster.forward(backend).catch((error: unknown) => {
      throw elsewhere(error, component, namespace);
    });
    forwards.push(forward);
    return forward.address;
  };
  const close = () => {
    for (const forward of forwards) forward.close();
  };
  try {
    return {
      scheduler: await to('scheduler'),
      reporter: await to('reporter'),
      explain(error) {
        const fault = AssayError.from(error);
        const known = forwards.map((forward) => forward.fault()).find((why) => why !== null);
        return fault.reason === 'UNAVAILABLE' ? (known ?? error) : error;
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function elsewhere(error: unknown, component: string, namespace: string): unknown {
  const fault = AssayError.from(error);
  if (fault.reason !== 'UNAVAILABLE') return error;
  return passing(
    'UNAVAILABLE',
    `the ${component} cannot be reached: ${fault.message}; --kube-namespace names the one where Assay is installed, ` +
      `\`kubectl get pods --namespace ${plain(namespace)}\` shows what is in it`,
    error,
  );
}

/** Tokens of a service account (`[namespace/]name`), each renewed before it ends. */
export async function accountTokens(cluster: UserCluster, account: string): Promise<TokenSource> {
  const parts = /^(?:([a-z0-9-]+)\/)?([a-z0-9.-]+)$/.exec(account);
  if (parts === null)
    throw new AssayError(
      'INVALID_REQUEST',
      `--kube-service-account "${account}" is not the name of a service account, alone or after its namespace: team-a/me`,
    );
  const [, namespace = cluster.namespace, name = ''] = parts;
  const create = () => cluster.createToken({ namespace, name }, AUDIENCE);
  let current = await create().catch((error: unknown) => {
    throw withoutAccount(error, namespace, name);
  });
  let timer: NodeJS.Timeout;
  const renewIn = (ms: number) => {
    timer = setTimeout(() => void renew(), ms);
    timer.unref();
  };
  const lifeOf = ({ endsMs }: { readonly endsMs: number }) => Math.max(0, endsMs - Date.now()) * RENEW_AT;
  const renew = async () => {
    try {
      current = await create();
      renewIn(lifeOf(current));
    } catch {
      // The one in hand is good for a while; what comes of that is said by the calls.
      renewIn(RETRY_MS);
    }
  };
  renewIn(lifeOf(current));
  return { token: () => current.token, close: () => clearTimeout(timer) };
}

function withoutAccount(error: unknown, namespace: string, name: string): unknown {
  const fault = AssayError.from(error);
  const at = `--namespace ${namespace}`;
  switch (fault.reason) {
    case 'NOT_FOUND':
      return new AssayError(
        'INVALID_REQUEST',
        `there is no service account "${name}" in namespace "${namespace}"; \`kubectl create serviceaccount ${name} ${at}\` makes it`,
        { cause: error },
      );
    case 'CLUSTER_FORBIDDEN':
      return new AssayError(
        'CLUSTER_FORBIDDEN',
        `you may not create tokens for service account "${name}" in namespace "${namespace}"; ` +
          `\`kubectl auth can-i create serviceaccounts/token ${at}\` shows it; with a token of your own there is --token-file`,
        { cause: error },
      );
    default:
      return error;
  }
}
