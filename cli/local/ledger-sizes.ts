import { statfs } from 'node:fs/promises';
import type { Log } from '@assay/lib/log';
import type { Layout } from './layout.ts';
import { readOr, writeWhole } from './state.ts';

export interface LedgerSizes {
  readonly generationsBytes: number;
  readonly scoresBytes: number;
  readonly storeBytes: number;
}

const GIB = 1024 ** 3;
const OTHER_STREAMS = 256 * 1024 ** 2;

/**
 * How large the ledgers may be: at first at most half of what is free, so that the disk is never theirs to fill. The
 * sizes are kept: a broker whose store is smaller than what its streams have reserved refuses to update them. They may
 * grow.
 */
export async function ledgerSizes(
  layout: Pick<Layout, 'nats' | 'ledgersFile'>,
  log: Log,
): Promise<LedgerSizes> {
  const { bavail, bsize } = await statfs(layout.nats);
  const kept = keptIn(await readOr(layout.ledgersFile, '{}'));
  const half = Math.floor((bavail * bsize) / 2);
  const now = {
    generationsBytes: Math.min(GIB, Math.floor((half * 2) / 3)),
    scoresBytes: Math.min(GIB / 2, Math.floor(half / 3)),
  };
  const sizes = {
    generationsBytes: Math.max(kept.generationsBytes, now.generationsBytes),
    scoresBytes: Math.max(kept.scoresBytes, now.scoresBytes),
  };
  const reservedBytes = sizes.generationsBytes + sizes.scoresBytes;
  if (reservedBytes > bavail * bsize)
    log.warn(
      { freeBytes: bavail * bsize, reservedBytes },
      'the disk has less room than the ledgers may take: jobs wait when it is full; free some room',
    );
  if (reservedBytes !== kept.generationsBytes + kept.scoresBytes)
    await writeWhole(layout.ledgersFile, JSON.stringify(sizes), 0o600);
  return { ...sizes, storeBytes: reservedBytes + OTHER_STREAMS };
}

function keptIn(text: string): Omit<LedgerSizes, 'storeBytes'> {
  const value: unknown = JSON.parse(text);
  const bytesOf = (name: string): number => {
    const bytes: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
    return typeof bytes === 'number' ? bytes : 0;
  };
  return { generationsBytes: bytesOf('generationsBytes'), scoresBytes: bytesOf('scoresBytes') };
}
