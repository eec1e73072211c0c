import { passing } from '@assay/lib/errors';
import { describe, expect, it } from 'vitest';
import type { Channels } from './channel.ts';
import { Pool } from './pool.ts';
import { doneFrame, helloFrame } from './testing/frames.ts';

const limits = { cpuMs: 1, wallMs: 1_000, memoryBytes: 1 << 28, outputBytes: 1_000 };
const LETHAL = 'dies';
const AWAY = 'closes the door';

/** Zygotes that time out every program at its limit, and die of a lethal one; with them die all others, as in one container. */
function container() {
  const zygotes = new Set<(how: string) => void>();
  let open = true;
  const running: string[][] = [];
  const now = new Set<string>();
  const channels: Channels = {
    open: async ({ read, ended }) => {
      if (!open) throw passing('UNAVAILABLE', 'nobody is there');
      zygotes.add(ended);
      setImmediate(() => read(helloFrame()));
      return {
        write: (frame) => {
          const source = frame.subarray(40).toString();
          now.add(source);
          setTimeout(() => {
            running.push([...now]);
            now.delete(source);
            if (source === AWAY) open = false;
            if (source !== LETHAL && source !== AWAY)
              return read(doneFrame(frame.readUInt32LE(0), ['', '', '', '']));
            for (const end of zygotes) end('killed');
            zygotes.clear();
            now.clear();
          }, 5);
        },
        kill: () => void zygotes.delete(ended),
        closed: async () => undefined,
      };
    },
  };
  return { channels, running };
}

describe('a run that takes the jail with it', () => {
  it('is tried again alone, so that it takes nobody else with it', async () => {
    const { channels, running } = container();
    const pool = new Pool({ channels, slots: 2 });
    const lethal = pool.run({ source: LETHAL, limits });
    const other = pool.run({ source: 'fine', limits });
    await expect(lethal).rejects.toMatchObject({ reason: 'SANDBOX_FAULT', permanent: true });
    await expect(other).resolves.toMatchObject({ status: 'TLE' });
    expect(running.filter((side) => side.includes(LETHAL)).slice(1)).toEqual([[LETHAL], [LETHAL]]);
    await pool.close();
  });

  it('for good comes again elsewhere, and counts as tried', async () => {
    const pool = new Pool({ channels: container().channels, slots: 1 });
    const run = pool.run({ source: AWAY, limits });
    await expect(run).rejects.toMatchObject({ reason: 'SANDBOX_FAULT', permanent: false });
    const next = pool.run({ source: 'fine', limits });
    await expect(next).rejects.toMatchObject({ reason: 'UNAVAILABLE', permanent: false });
    await pool.close();
  });
});
