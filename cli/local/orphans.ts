import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pidFileOf, sweep } from './child.ts';
import type { Layout } from './layout.ts';
import { lives, parseIdentity } from './process-identity.ts';

/** Ends what a supervisor that was killed left running. Says whether anything was. */
export async function endOrphans(layout: Layout): Promise<boolean> {
  const names = await readdir(layout.run).catch(() => []);
  const files = names.filter((name) => name.endsWith('.pid')).map((name) => path.join(layout.run, name));
  const living = await Promise.all(files.map(isAlive));
  // The broker goes last: services still store what they have in hand while they stop.
  const broker = pidFileOf(layout.run, 'nats');
  await Promise.all(files.filter((file) => file !== broker).map(sweep));
  if (files.includes(broker)) await sweep(broker);
  return living.includes(true);
}

async function isAlive(pidFile: string): Promise<boolean> {
  const identity = parseIdentity(await readFile(pidFile, 'utf8').catch(() => ''));
  return identity !== null && lives(identity);
}
