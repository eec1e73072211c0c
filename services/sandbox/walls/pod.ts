import { connect } from 'node:net';
import { showAddress, type Address } from '@assay/lib/config';
import { REACHED, type Row } from './table.ts';

/** Tries to open a connection to each, all at once. */
export async function tryFromPod(targets: readonly Address[], timeoutMs: number): Promise<Row[]> {
  return await Promise.all(
    targets.map(async (target): Promise<Row> => ({
      from: 'pod',
      target: showAddress(target),
      tried: 'connect',
      outcome: await outcomeOf(target, timeoutMs),
    })),
  );
}

async function outcomeOf({ host, port }: Address, timeoutMs: number): Promise<string> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (outcome: string): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once('connect', () => end(REACHED));
    socket.once('timeout', () => end('timed out'));
    socket.once('error', (error) => end(codeOf(error)));
  });
}

// What tried several addresses of a name has an error for each.
function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}
