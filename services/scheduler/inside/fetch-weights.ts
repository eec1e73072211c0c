import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '@assay/lib/clock';
import { AssayError } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import type { Claims } from './claims.ts';
import { isComplete, removeComplete, writeComplete, type Asked } from './complete.ts';
import { Download, type Fetched } from './download.ts';
import { errnoOf, ifThere } from './errno.ts';
import { Later } from './hub-fault.ts';
import type { Hub } from './hub.ts';
import type { Progress } from './progress.ts';
import { neededBytes, requireSpace, spaceFault } from './space.ts';
import { readList, type WeightsFile } from './weights-list.ts';

export interface FetchOptions extends Asked {
  readonly hub: Hub;
  readonly claims: Claims;
  readonly folder: string;
  /** That no other process has. */
  readonly id: string;
  /** Room that all files together are said to take; 0: what the hub's list says. */
  readonly leastBytes: number;
  /** How long passing faults may keep anything from coming. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const BUSY_MS = 1_000;
const MOST_BACKOFF_MS = 30_000;
/** What cannot change while a pod runs. */
const HOPELESS = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENAMETOOLONG'];

/** Brings the files of a repository into a folder, one after another, and says at the end that it is complete. */
export class WeightsFetch {
  readonly #options: FetchOptions;
  readonly #over = new AbortController();
  readonly #downloads = new Map<string, Download>();
  readonly #done = new Map<string, Fetched>();
  /** Files that were not what the list says, once. */
  readonly #distrusted = new Set<string>();
  #files: readonly WeightsFile[] | null = null;
  #partBytes = 0;
  #lastGrowthMs: number | null = null;
  /** When something last came, by the monotonic clock. */
  #aliveMs: number;
  #cleared = false;
  #failure: AssayError | null = null;
  #detail = 'asks for the list of files';

  constructor(options: FetchOptions) {
    this.#options = options;
    this.#aliveMs = options.clock.monotonic();
  }

  /** Until the folder is complete. Throws what cannot be helped, or was not within the patience: a permanent fault. */
  async run(): Promise<void> {
    const { clock, log } = this.#options;
    const step = () => this.#step();
    await loop({ name: 'fetch', step, log, clock, maxBackoffMs: MOST_BACKOFF_MS }, this.#over.signal);
    if (this.#failure !== null) throw this.#failure;
  }

  /** Leaves what was begun to whoever comes next; at once, for a process that ends. */
  release(): void {
    for (const download of this.#downloads.values()) download.release();
  }

  progress(): Progress {
    const files = this.#files ?? [];
    const sizes = files.map(({ bytes }) => bytes);
    const known = files.length > 0 && sizes.every((bytes) => bytes !== null);
    return {
      bytes: this.#doneBytes() + this.#partBytes,
      totalBytes: known ? sum(sizes.map((bytes) => bytes ?? 0)) : null,
      files: this.#done.size,
      lastGrowth: this.#lastGrowthMs === null ? null : new Date(this.#lastGrowthMs).toISOString(),
      detail: this.#detail,
    };
  }

  async #step(): Promise<number> {
    try {
      const paceMs = await this.#attempt();
      if (paceMs === null) this.#over.abort();
      return paceMs ?? 0;
    } catch (thrown) {
      const fault = await this.#faultOf(thrown);
      const leftMs = this.#options.patienceMs - (this.#options.clock.monotonic() - this.#aliveMs);
      if (fault.permanent || leftMs <= 0) return this.#give(fault);
      this.#files = null;
      this.#detail = `${fault.message}; tried again`;
      if (!(fault instanceof Later)) throw fault;
      this.#options.log.warn({ err: fault, afterMs: fault.afterMs }, 'asked to come later');
      return Math.min(fault.afterMs, leftMs);
    }
  }

  #give(fault: AssayError): number {
    this.#failure = permanently(fault);
    this.#over.abort();
    return 0;
  }

  /** Null when the folder is complete, else how long to wait for another process. */
  async #attempt(): Promise<number | null> {
    const { folder, repo, revision, asked, id, claims, log } = this.#options;
    if (await isComplete(folder, { repo, revision, asked })) return null;
    this.#files ??= await this.#list();
    const files: { name: string; bytes: number; sha256: string }[] = [];
    for (const file of this.#files) {
      const fetched = await this.#bring(file);
      if (fetched === null) {
        this.#aliveMs = this.#options.clock.monotonic();
        this.#detail = `another process fetches ${file.name}`;
        return BUSY_MS;
      }
      files.push({ name: file.name, ...fetched });
    }
    await writeComplete(folder, id, { repo, revision, asked, files });
    for (const { name } of files) await claims.sweep(path.join(folder, name));
    log.info({ folder, files: files.length, bytes: this.#doneBytes() }, 'complete');
    return null;
  }

  async #list(): Promise<readonly WeightsFile[]> {
    const { hub, folder, asked, leastBytes } = this.#options;
    const files = readList(await hub.list(), asked);
    await mkdir(folder, { recursive: true });
    if (!this.#cleared) await removeComplete(folder);
    this.#cleared = true;
    const there = await Promise.all(files.map((file) => this.#thereBytes(file)));
    const missing = files.map((file, index) => Math.max(0, (file.bytes ?? 0) - (there[index] ?? 0)));
    await requireSpace(
      folder,
      neededBytes({ missingBytes: sum(missing), thereBytes: sum(there), leastBytes }),
    );
    return files;
  }

  async #thereBytes(file: WeightsFile): Promise<number> {
    const target = this.#targetOf(file);
    const whole = await ifThere(stat(target));
    return whole?.size ?? (await this.#options.claims.begun(target));
  }

  async #bring(file: WeightsFile): Promise<Fetched | null> {
    const before = this.#done.get(file.name);
    if (before !== undefined && agrees(file, before)) return before;
    this.#done.delete(file.name);
    const fetched = (await this.#found(file)) ?? (await this.#download(file));
    if (fetched === null) return null;
    this.#partBytes = 0;
    this.#done.set(file.name, fetched);
    this.#options.log.info({ file: file.name, ...fetched }, 'is there');
    return fetched;
  }

  // A file under its own name is whole, but it may be that of another revision.
  async #found(file: WeightsFile): Promise<Fetched | null> {
    const target = this.#targetOf(file);
    const there = await ifThere(stat(target));
    if (there === null || file.sha256 === null || there.size !== (file.bytes ?? there.size)) return null;
    this.#detail = `checks ${file.name}`;
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(target)) hash.update(chunk as Buffer);
    const found = { bytes: there.size, sha256: hash.digest('hex') };
    return agrees(file, found) ? found : null;
  }

  async #download(file: WeightsFile): Promise<Fetched | null> {
    this.#detail = `fetches ${file.name}`;
    const { hub, claims } = this.#options;
    const onBytes = (bytes: number) => this.#grew(bytes);
    const download =
      this.#downloads.get(file.name) ?? new Download(this.#targetOf(file), { hub, claims, onBytes });
    this.#downloads.set(file.name, download);
    try {
      return await download.run(file);
    } catch (error) {
      if (!(error instanceof AssayError) || error.reason !== 'WEIGHTS_CORRUPT') throw error;
      if (this.#distrusted.has(file.name)) throw permanently(error);
      this.#distrusted.add(file.name);
      throw error;
    }
  }

  #grew(bytes: number): void {
    if (bytes > this.#partBytes) {
      this.#lastGrowthMs = this.#options.clock.now();
      this.#aliveMs = this.#options.clock.monotonic();
    }
    this.#partBytes = bytes;
  }

  async #faultOf(thrown: unknown): Promise<AssayError> {
    const { folder } = this.#options;
    const missing = Math.max(0, (this.progress().totalBytes ?? 0) - this.progress().bytes);
    const fault = await spaceFault(thrown, folder, missing);
    if (fault instanceof AssayError || !HOPELESS.includes(errnoOf(fault) ?? ''))
      return AssayError.from(fault);
    const why = fault instanceof Error ? fault.message : String(fault);
    return new AssayError('INTERNAL', `${folder} cannot be used: ${why}`, { cause: fault });
  }

  #targetOf({ name }: WeightsFile): string {
    return path.join(this.#options.folder, name);
  }

  #doneBytes(): number {
    return sum([...this.#done.values()].map(({ bytes }) => bytes));
  }
}

function permanently(fault: AssayError): AssayError {
  return new AssayError(fault.reason, fault.message, { cause: fault });
}

function agrees(file: WeightsFile, found: Fetched): boolean {
  return (file.bytes ?? found.bytes) === found.bytes && (file.sha256 ?? found.sha256) === found.sha256;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
