import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { layoutOf } from './layout.ts';
import { SERVICES } from './services.ts';

export const LOGS = ['local', 'nats', ...SERVICES] as const;

const TAIL_BYTES = 16 * 1024;
const POLL_MS = 300;

/** The last lines of the named logs; with `follow`, also what is added, until `signal` aborts. */
export async function* logLines(
  state: string,
  names: readonly string[],
  options: { readonly follow: boolean; readonly signal: AbortSignal },
): AsyncGenerator<{ readonly name: string; readonly line: string }> {
  const offsets = new Map<string, number>();
  for (;;) {
    for (const name of names) {
      const file = path.join(layoutOf(state).logs, `${name}.log`);
      const { lines, offset } = await readFrom(file, offsets.get(name));
      offsets.set(name, offset);
      for (const line of lines) yield { name, line };
    }
    if (!options.follow || options.signal.aborted) return;
    await sleep(POLL_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

async function readFrom(
  file: string,
  from: number | undefined,
): Promise<{ readonly lines: readonly string[]; readonly offset: number }> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch {
    return { lines: [], offset: 0 };
  }
  try {
    const { size } = await handle.stat();
    const start = from === undefined ? Math.max(0, size - TAIL_BYTES) : Math.min(from, size);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    const whole = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
    const lines = buffer.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
    // The first line of a tail is seldom whole.
    return { lines: from === undefined && start > 0 ? lines.slice(1) : lines, offset: start + whole };
  } finally {
    await handle.close();
  }
}
