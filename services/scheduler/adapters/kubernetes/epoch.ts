import type { Clock } from '@assay/lib/clock';
import { AssayError, passing } from '@assay/lib/errors';
import { CONFIG_MAPS, isStatus, type KubeClient, type KubeObject, type Place } from '@assay/lib/kube';

/** On everything that a leader writes. */
export const EPOCH_ANNOTATION = 'assay.dev/epoch';

const ANCHOR = 'assay-epoch';
const PROBE = 'assay-epoch-probe';
const CHECK_MS = 50;
/** A policy that was just installed takes some seconds. */
const MOST_MS = 20_000;

type Client = Pick<KubeClient, 'get' | 'create' | 'replace' | 'apply'>;

/** The epoch in force: that of the ConfigMap which the admission policy compares with; 0 before the first. */
export async function epochInForce(client: Client, namespace: string, signal: AbortSignal): Promise<number> {
  return epochOf(await client.get(CONFIG_MAPS, anchorIn(namespace), { signal }));
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
  const at = anchorIn(namespace);
  for (;;) {
    const anchor = await client.get(CONFIG_MAPS, at, { signal });
    const last = epochOf(anchor);
    if (last > epoch) throw passing('NOT_LEADER', `epoch ${last} is in force, ours is ${epoch}`);
    if (last === epoch) break;
    const version = anchor?.metadata.resourceVersion;
    const object = {
      metadata: { ...at, ...(version === undefined ? {} : { resourceVersion: version }) },
      data: { epoch: String(epoch) },
    };
    try {
      await (anchor === null
        ? client.create(CONFIG_MAPS, namespace, object, { guard, signal })
        : client.replace(CONFIG_MAPS, object, { guard, signal }));
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

function epochOf(anchor: KubeObject | null): number {
  if (anchor === null) return 0;
  const { data } = anchor as KubeObject & { readonly data?: { readonly epoch?: string } };
  const epoch = Number(data?.epoch ?? 0);
  return Number.isSafeInteger(epoch) ? epoch : 0;
}
