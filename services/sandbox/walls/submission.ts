import { readFile } from 'node:fs/promises';
import { showAddress } from '@assay/lib/config';
import { AssayError } from '@assay/lib/errors';
import type { Limits } from '@assay/lib/python';
import type { Executor } from '../ports.ts';
import type { Row } from './table.ts';
import type { Forbidden } from './targets.ts';

const SCRIPT = new URL('./attempts.py', import.meta.url);
// Where the jail does not hold, every try may take its time-out.
const LIMITS: Limits = { cpuMs: 10_000, wallMs: 60_000, memoryBytes: 512 << 20, outputBytes: 1 << 20 };

/**
 * Runs a submission that tries every way to everything it must not reach. Throws SANDBOX_FAULT when it did not get through
 * all of it.
 */
export async function tryFromSubmission(executor: Executor, forbidden: Forbidden): Promise<Row[]> {
  const stdin = Buffer.from(JSON.stringify(forbidden));
  const source = await readFile(SCRIPT);
  const { status, detail, stdout, stderr } = await executor.run({ source, stdin, limits: LIMITS });
  if (status !== 'OK') {
    const said = Buffer.from(stderr).toString('utf8').trimEnd().split('\n').at(-1) ?? '';
    throw new AssayError(
      'SANDBOX_FAULT',
      `the submission that tries the walls ended ${status} (${detail || said})`,
    );
  }
  const tries: Omit<Row, 'from'>[] = JSON.parse(Buffer.from(stdout).toString('utf8'));
  const rows = tries.map((row): Row => ({ from: 'submission', ...row }));
  const untried = untriedOf(forbidden, rows);
  if (untried.length === 0) return rows;
  throw new AssayError('SANDBOX_FAULT', `the submission did not try ${untried.join(', ')}`);
}

function untriedOf(
  { addresses, names, resolvers, sockets, paths }: Forbidden,
  rows: readonly Row[],
): string[] {
  const tried = new Set(rows.map(({ target }) => target));
  const ourselves = ['environment', 'descriptors', 'another process', 'process 1', 'parent process'];
  const all = [...addresses.map(showAddress), ...names, ...resolvers, ...sockets, ...paths, ...ourselves];
  return all.filter((target) => !tried.has(target));
}
