import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { AssayError } from '@assay/lib/errors';
import { dataFolders, STATE_VERSION, type Layout } from './layout.ts';

export interface Ports {
  readonly nats: number;
  readonly scheduler: number;
  readonly reporter: number;
}

/** Makes the folder ready: its version, its token, its folders. Refuses a folder that an older Assay wrote. */
export async function openState(layout: Layout): Promise<{ readonly token: string; readonly ports: Ports }> {
  await mkdir(layout.root, { recursive: true });
  const version = await readOr(layout.versionFile, '');
  if (version === '') await writeWhole(layout.versionFile, `${STATE_VERSION}\n`, 0o644);
  else if (version.trim() !== String(STATE_VERSION)) {
    throw new AssayError(
      'UNAVAILABLE',
      `${layout.root} was written by another version of Assay (state version ${version.trim()}, this one reads ${STATE_VERSION}); \`assay local reset\` deletes its jobs and results`,
    );
  }
  for (const folder of dataFolders(layout)) await mkdir(folder, { recursive: true, mode: 0o700 });
  const token = (await readOr(layout.tokenFile, '')) || randomBytes(24).toString('base64url');
  await writeWhole(layout.tokenFile, token, 0o600);
  const ports = await choosePorts(await readOr(layout.portsFile, '{}'));
  await writeWhole(layout.portsFile, JSON.stringify(ports), 0o644);
  const client = {
    scheduler: `127.0.0.1:${ports.scheduler}`,
    reporter: `127.0.0.1:${ports.reporter}`,
    token,
  };
  await writeWhole(layout.clientFile, JSON.stringify(client), 0o600);
  return { token, ports };
}

/** Writes a file so that a reader sees all of it or what was there before. */
export async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}.new`;
  await writeFile(temporary, text, { mode });
  await rename(temporary, file);
}

export async function readOr(file: string, otherwise: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return otherwise;
    throw error;
  }
}

// The ports of the last run are kept while they are free, so that addresses stay; a taken one is replaced.
async function choosePorts(text: string): Promise<Ports> {
  const last = objectOr(text, {});
  const lastPort = (name: keyof Ports): number => {
    const value: unknown = Reflect.get(last, name);
    return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536 ? value : 0;
  };
  const choose = async (name: keyof Ports) => (await tryListen(lastPort(name))) ?? (await tryListen(0)) ?? 0;
  return {
    nats: await choose('nats'),
    scheduler: await choose('scheduler'),
    reporter: await choose('reporter'),
  };
}

function objectOr(text: string, otherwise: object): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : otherwise;
  } catch {
    return otherwise;
  }
}

function tryListen(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : null));
    });
  });
}
