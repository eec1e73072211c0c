import type { JobId } from '@assay/lib/domain';
import { devicesOf, type Devices, type PlacedServer } from './devices.ts';
import type { Need, NodeRoom } from './fit.ts';

/** A job that waits for its place, in the order in which jobs came. */
export interface Claim extends Reservation {
  readonly prepared: boolean;
}

/** What a job holds, or asks for, of what is scarce. */
export interface Reservation {
  readonly job: JobId;
  readonly partition: string;
  readonly server: string;
  /** What its server takes of a node; external ones take nothing of ours. */
  readonly need: Need | null;
  readonly generationBytes: number;
  readonly scoreBytes: number;
}

export interface Snapshot {
  readonly nowMs: number;
  readonly claims: readonly Claim[];
  readonly active: readonly Reservation[];
  /** Finished jobs whose subjects are still kept, oldest first. */
  readonly retained: readonly Reservation[];
  readonly servers: readonly PlacedServer[];
  readonly nodes: readonly NodeRoom[];
  readonly ledger: { readonly generationsBytes: number; readonly scoresBytes: number };
  readonly idleMs: number;
}

export type Verdict =
  /** Takes its place: ledger bytes are reserved and its server may start. */
  | { readonly type: 'admit'; readonly job: JobId }
  /** Still being prepared, but nothing is before it: its server may warm up meanwhile. */
  | { readonly type: 'warm'; readonly job: JobId }
  | { readonly type: 'wait'; readonly job: JobId; readonly reason: WaitReason; readonly detail: string }
  | {
      readonly type: 'refuse';
      readonly job: JobId;
      readonly reason: 'LEDGER_TOO_SMALL';
      readonly detail: string;
    };

export type WaitReason = 'PREPARING' | 'LEDGER_FULL' | 'DEVICE_ABSENT' | 'DEVICE_BUSY' | 'JOBS_AHEAD';

export interface Placement {
  readonly verdicts: readonly Verdict[];
  /** Finished jobs whose subjects are given up early because a waiting job needs the room. */
  readonly giveUp: readonly JobId[];
  /** Nodes chosen for servers that had none, by server. */
  readonly nodes: ReadonlyMap<string, string>;
  /** Why servers of jobs that have their place still have no node, by server. */
  readonly homeless: ReadonlyMap<string, string>;
  /** Servers to stop: idle for too long, or in the way of a server that a job needs now. */
  readonly stop: readonly string[];
}

/** Share of a ledger's `max_bytes` that reservations may take; the rest is for what estimates miss. */
const FILL = 0.9;

/**
 * First come, first served, decided over a snapshot. A job that waits for room in the ledgers keeps every later job
 * of its partition from taking that room, and a job that waits for a device keeps every later one from that kind of
 * device; a job that needs neither passes. Servers of jobs that have their place already come before all of them.
 */
export function place(snapshot: Snapshot): Placement {
  const room = ledgerRoom(snapshot);
  const devices = devicesOf(snapshot.nodes, snapshot.servers, snapshot.active);
  const giveUp: JobId[] = [];
  const verdicts = snapshot.claims.map((claim) => verdictOf(claim, room, devices, giveUp));
  const stop = [...devices.evicted, ...idleTooLong(snapshot, devices)];
  return { verdicts, giveUp, nodes: devices.chosen, homeless: devices.homeless, stop };
}

function verdictOf(claim: Claim, room: Room, devices: Devices, giveUp: JobId[]): Verdict {
  if (claim.prepared) {
    const short = room.shortOf(claim, giveUp);
    if (short !== null) return { ...short, job: claim.job };
  }
  const wait = devices.take(claim);
  if (wait !== null) return { type: 'wait', job: claim.job, ...wait };
  if (!claim.prepared) return { type: 'warm', job: claim.job };
  room.reserve(claim);
  return { type: 'admit', job: claim.job };
}

interface Room {
  shortOf(
    claim: Claim,
    giveUp: JobId[],
  ):
    | { readonly type: 'wait'; readonly reason: WaitReason; readonly detail: string }
    | { readonly type: 'refuse'; readonly reason: 'LEDGER_TOO_SMALL'; readonly detail: string }
    | null;
  reserve(claim: Claim): void;
}

function ledgerRoom(snapshot: Snapshot): Room {
  const most = {
    generations: snapshot.ledger.generationsBytes * FILL,
    scores: snapshot.ledger.scoresBytes * FILL,
  };
  const used = new Map<string, { generations: number; scores: number }>();
  const blocked = new Set<string>();
  const retained = [...snapshot.retained];
  const usedOf = (partition: string) => {
    const found = used.get(partition) ?? { generations: 0, scores: 0 };
    used.set(partition, found);
    return found;
  };
  const add = (reservation: Reservation, sign: 1 | -1) => {
    const sum = usedOf(reservation.partition);
    sum.generations += sign * reservation.generationBytes;
    sum.scores += sign * reservation.scoreBytes;
  };
  for (const reservation of [...snapshot.active, ...retained]) add(reservation, 1);
  const fits = (claim: Claim) => {
    const sum = usedOf(claim.partition);
    return (
      sum.generations + claim.generationBytes <= most.generations &&
      sum.scores + claim.scoreBytes <= most.scores
    );
  };

  // The oldest that must go so that the claim fits; null, and nothing goes, when even all would not be enough.
  const keptOf = (kept: readonly Reservation[], claim: Claim): readonly Reservation[] | null => {
    if (fits(claim)) return [];
    for (const [i, old] of kept.entries()) {
      add(old, -1);
      if (fits(claim)) return kept.slice(0, i + 1);
    }
    for (const old of kept) add(old, 1);
    return null;
  };

  return {
    shortOf(claim, giveUp) {
      if (claim.generationBytes > most.generations || claim.scoreBytes > most.scores) {
        return { type: 'refuse', reason: 'LEDGER_TOO_SMALL', detail: tooSmall(claim, most) };
      }
      if (blocked.has(claim.partition)) {
        return {
          type: 'wait',
          reason: 'JOBS_AHEAD',
          detail: 'an earlier job waits for room in the ledgers',
        };
      }
      const kept = retained.filter((old) => old.partition === claim.partition);
      const taken = keptOf(kept, claim);
      if (taken !== null) {
        for (const old of taken) retained.splice(retained.indexOf(old), 1);
        giveUp.push(...taken.map((old) => old.job));
        return null;
      }
      blocked.add(claim.partition);
      return {
        type: 'wait',
        reason: 'LEDGER_FULL',
        detail: `needs ${mib(claim.generationBytes + claim.scoreBytes)} in the ledgers; running jobs have reserved the room`,
      };
    },
    reserve: (claim) => add(claim, 1),
  };
}

function idleTooLong(snapshot: Snapshot, devices: Devices): string[] {
  return snapshot.servers
    .filter((server) => !devices.used.has(server.key) && !devices.evicted.has(server.key))
    .filter((server) => server.idleSinceMs !== null && snapshot.nowMs - server.idleSinceMs >= snapshot.idleMs)
    .map((server) => server.key);
}

function tooSmall(claim: Claim, most: { readonly generations: number; readonly scores: number }): string {
  return `needs ${mib(claim.generationBytes)} for generations and ${mib(claim.scoreBytes)} for scores; the ledgers take at most ${mib(most.generations)} and ${mib(most.scores)}`;
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
