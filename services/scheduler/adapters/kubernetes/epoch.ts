import type { Clock } from '@assay/lib/clock';
import { AssayError, passing } from '@assay/lib/errors';
import {
  CONFIG_MAPS,
  isStatus,
  SERVICE_ACCOUNTS,
  type KubeClient,
  type KubeObject,
  type Place,
} from '@assay/lib/kube';

/** On everything that a leader writes. */
export const EPOCH_ANNOTATION = 'assay.dev/epoch';

/**
 * A ServiceAccount, although nobody runs as it: the API server stops watching most kinds of parameters for ever once no
 * policy asks for them (kubernetes/kubernetes#130887), and this one it watches for itself.
 */
const ANCHOR = 'assay-epoch';
const PROBE = 'assay-epoch-probe';
const CHECK_MS = 50;
/** A policy that was just installed takes some seconds. */
const MOST_MS = 20_000;

type Client = Pick<KubeClient, 'get' | 'patch' | 'apply'>;

/** The epoch in force: that of the object which the admission policy compares with; 0 before the first. */
export async function epochInForce(client: Client, namespace: string, signal: AbortSignal): Promise<number> {
  return epochOf(await anchorOf(client, namespace, signal));
}

export interface Raise {
  readonly client: Client;
  readonly namespace: string;
  readonly epoch: number;
  readonly guard: () => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Puts `epoch` in force and returns once the API server refuses what an older leader writes: before that, nothing may
 * be done that an old leader must not undo. Throws NOT_LEADER when a newer epoch is in force already.
 */
export async function raiseEpoch(options: Raise): Promise<void> {
  const { client, namespace, epoch, guard, signal } = options;
  for (;;) {
    const anchor = await anchorOf(client, namespace, signal);
    const last = epochOf(anchor);
    if (last > epoch) throw passing('NOT_LEADER', `epoch ${last} is in force, ours is ${epoch}`);
    if (last === epoch) break;
    const { resourceVersion } = anchor.metadata;
    const annotations = { [EPOCH_ANNOTATION]: String(epoch) };
    const metadata = { annotations, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    try {
      await client.patch(SERVICE_ACCOUNTS, anchorIn(namespace), { metadata }, { guard, signal });
      break;
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
    }
  }
  await refusesOlder(options);
}

// Admission reads the anchor from a watch of its own: it is in force when a write of the epoch before is refused.
async function refusesOlder(options: Raise): Promise<void> {
  const { client, namespace, epoch, guard, clock, signal } = options;
  const until = clock.monotonic() + MOST_MS;
  const metadata = {
    name: PROBE,
    namespace,
    annotations: { [EPOCH_ANNOTATION]: String(epoch - 1) },
  };
  while (clock.monotonic() < until) {
    try {
      await client.apply(CONFIG_MAPS, { metadata }, { dryRun: true, guard, signal });
    } catch (error) {
      guard();
      if (error instanceof AssayError && error.reason === 'NOT_LEADER') return;
      throw error;
    }
    await clock.sleep(CHECK_MS, signal);
  }
  throw passing(
    'CLUSTER_UNAVAILABLE',
    `the API server takes writes of epoch ${epoch - 1} although ${epoch} is in force: is the chart's ValidatingAdmissionPolicy assay-epoch installed for this namespace and service account?`,
  );
}

function anchorIn(namespace: string): Required<Place> {
  return { namespace, name: ANCHOR };
}

async function anchorOf(client: Client, namespace: string, signal: AbortSignal): Promise<KubeObject> {
  const anchor = await client.get(SERVICE_ACCOUNTS, anchorIn(namespace), { signal });
  if (anchor !== null) return anchor;
  throw passing(
    'CLUSTER_UNAVAILABLE',
    `there is no ServiceAccount ${ANCHOR} in namespace ${namespace}, which holds the epoch in force; the chart makes it`,
  );
}

function epochOf({ metadata }: KubeObject): number {
  const epoch = Number(metadata.annotations?.[EPOCH_ANNOTATION] ?? 0);
  return Number.isSafeInteger(epoch) ? epoch : 0;
}
