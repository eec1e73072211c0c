// A scheduler's leader and nothing else: takes the Lease, puts its epoch in force and writes as fast as it can.
// argv: kubeconfig, holder, `writes` or `idle`, `guarded` or `blind`. A blind one goes on writing when it should not.
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '@assay/lib/clock';
import { AssayError } from '@assay/lib/errors';
import { createLog } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { leaseElection, type Leadership } from '../../services/scheduler/adapters/kubernetes/election.ts';
import { epochInForce, raiseEpoch } from '../../services/scheduler/adapters/kubernetes/epoch.ts';
import { kubeLease } from '../../services/scheduler/adapters/kubernetes/lease.ts';
import { CONFIG_MAPS } from '@assay/lib/kube';
import { versionOf } from '../../services/scheduler/adapters/kubernetes/trimmed.ts';
import { fencedWriter, type Writer } from '../../services/scheduler/adapters/kubernetes/writer.ts';
import { clientFor, NAMESPACE } from './kube-world.ts';

const [kubeconfig = '', holder = '', what, how] = process.argv.slice(2);
const say = (line: object) => console.log(JSON.stringify(line));
const log = createLog({ service: holder, level: 'silent' });
const clock = systemClock;
const { client } = await clientFor(kubeconfig);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
/** A blind leader's time after it should have ended. */
const BLIND_MS = 5_000;

const election = leaseElection({
  store: kubeLease(client, { namespace: NAMESPACE, name: 'assay-scheduler' }),
  holder,
  clock,
  log,
  floor: (signal) => epochInForce(client, NAMESPACE, signal),
  lead,
});
await loop({ name: 'election', step: election.step, log, clock }, stop.signal);
client.close();

async function lead({ epoch, lost, guard }: Leadership): Promise<void> {
  const end = AbortSignal.any([lost, stop.signal]);
  await raiseEpoch({ client, namespace: NAMESPACE, epoch, guard, clock, signal: end });
  say({ leads: epoch });
  end.addEventListener('abort', () => say({ ended: epoch, lost: lost.aborted }));
  const writer = fencedWriter(client, { epoch, guard: how === 'blind' ? () => undefined : guard });
  const until = () => end.aborted && (how !== 'blind' || clock.monotonic() > blindUntil);
  let blindUntil = Infinity;
  end.addEventListener('abort', () => (blindUntil = clock.monotonic() + BLIND_MS));
  const lane = async (first: number) => {
    for (let n = first; !until(); n += 2) await write(writer, epoch, n);
  };
  if (what === 'writes') await Promise.all([lane(0), lane(1)]);
  else while (!until()) await sleep(50);
}

async function write(writer: Writer, epoch: number, n: number): Promise<void> {
  const metadata = { namespace: NAMESPACE, name: `write-${epoch}-${n}` };
  await attempt(async () => {
    const made = await writer.apply(CONFIG_MAPS, { metadata });
    say({ wrote: epoch, version: Number(made.metadata.resourceVersion) });
  });
  const victim = await client.get(CONFIG_MAPS, { namespace: NAMESPACE, name: `victim-${n}` });
  if (victim === null) return;
  await attempt(async () => {
    say({ removed: n, how: await writer.remove(CONFIG_MAPS, versionOf(victim.metadata)) });
  });
}

async function attempt(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    say({ refused: AssayError.from(error).reason });
    await sleep(5);
  }
}
