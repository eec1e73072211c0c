import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError, passing } from '@assay/lib/errors';
import type { ReportDraft, Reports, Spool } from '../ports.ts';

const DRAFT = '.draft-';

/** Reports as folders: `<folder>/<job>/`. Drafts of a former life are removed. */
export async function reportFolder(folder: string): Promise<Reports> {
  await guard(() => mkdir(folder, { recursive: true, mode: 0o700 }));
  for (const name of await readdir(folder)) {
    if (name.startsWith(DRAFT)) await rm(join(folder, name), { recursive: true, force: true });
  }
  return {
    begin: async (job) => {
      const path = join(folder, `${DRAFT}${randomUUID()}`);
      await guard(() => mkdir(path, { mode: 0o700 }));
      return draft(path, join(folder, job), `${path}.old`);
    },
    lines: readLines,
    spool: () => guard(() => spool(join(folder, `${DRAFT}${randomUUID()}.spool`))),
  };
}

function draft(path: string, final: string, aside: string): ReportDraft {
  const writers = new Map<string, Writer>();
  let committed = false;

  async function writer(name: string): Promise<Writer> {
    const known = writers.get(name);
    if (known !== undefined) return known;
    const made = new Writer(await open(join(path, name), 'a', 0o600));
    writers.set(name, made);
    return made;
  }

  async function settle(name: string): Promise<void> {
    await writers.get(name)?.close();
    writers.delete(name);
  }

  async function settleAll(): Promise<void> {
    for (const name of writers.keys()) await settle(name);
  }

  return {
    append: (name, text) => guard(async () => (await writer(name)).write(text)),
    read: async function* (name) {
      await settle(name);
      yield* readBytes(join(path, name));
    },
    join: (name, parts) =>
      guard(async () => {
        for (const part of parts) {
          await settle(part);
          const to = await writer(name);
          for await (const bytes of readBytes(join(path, part))) await to.write(bytes);
          await rm(join(path, part), { force: true });
        }
      }),
    remove: async (name) => {
      await settle(name);
      await rm(join(path, name), { force: true });
    },
    files: () => guard(async () => (await settleAll(), sizes(path))),
    commit: () =>
      guard(async () => {
        await settleAll();
        // A folder cannot be exchanged for another in one step: a former report steps aside first.
        await rename(final, aside).catch(ignoreMissing);
        await rename(path, final);
        committed = true;
        await rm(aside, { recursive: true, force: true });
        return (await sizes(final)).map((file) => ({ ...file, path: join(final, file.name) }));
      }),
    discard: async () => {
      await Promise.allSettled([...writers.values()].map((entry) => entry.close()));
      writers.clear();
      if (!committed) await rm(path, { recursive: true, force: true });
    },
  };
}

/** Collects small writes, so that a line is not a system call. */
class Writer {
  readonly #file: FileHandle;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #written: Promise<void> = Promise.resolve();

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= 256 * 1024) await this.flush();
  }

  async close(): Promise<void> {
    try {
      await this.flush();
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
  }

  /** Resolves when everything that was written so far is in the file; a failure is that of all later writes too. */
  flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#bytes = 0;
    this.#written = this.#written.then(() => (bytes.length > 0 ? this.#file.appendFile(bytes) : undefined));
    return this.#written;
  }
}

async function spool(path: string): Promise<Spool> {
  const file = await open(path, 'wx+', 0o600);
  const writer = new Writer(file);
  const places = new Map<number, { readonly at: number; readonly length: number }>();
  let end = 0;
  return {
    add: (key, text) =>
      guard(async () => {
        const bytes = Buffer.from(text);
        places.set(key, { at: end, length: bytes.length });
        end += bytes.length;
        await writer.write(bytes);
      }),
    get: async (key) => {
      await guard(() => writer.flush());
      const place = places.get(key);
      if (place === undefined) return null;
      const { buffer, bytesRead } = await file.read(
        Buffer.allocUnsafe(place.length),
        0,
        place.length,
        place.at,
      );
      if (bytesRead < place.length)
        throw new AssayError('INTERNAL', `${path} is shorter than what was written`);
      return buffer.toString();
    },
    close: async () => {
      await file.close();
      await rm(path, { force: true });
    },
  };
}

async function* readLines(path: string): AsyncIterable<string> {
  await stat(path).catch((error: unknown) => {
    throw new AssayError('NOT_FOUND', `the report file ${path} is gone`, { cause: error });
  });
  // Not readline: it also ends lines at U+2028, which JSON texts may hold.
  let rest = '';
  for await (const text of createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    const lines = (rest + String(text)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

async function* readBytes(path: string): AsyncIterable<Uint8Array> {
  const found = await stat(path).catch(ignoreMissing);
  if (found === undefined) return;
  for await (const bytes of createReadStream(path)) yield bytes as Buffer;
}

async function sizes(path: string): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
  const names = (await readdir(path)).sort();
  return Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(path, name))).size })));
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

async function guard<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw passing('BLOB_STORE_FULL', 'there is no room for the report', error);
  }
}
