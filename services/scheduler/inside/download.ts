import { createHash, type Hash } from 'node:crypto';
import { passing } from '@assay/lib/errors';
import type { Claims } from './claims.ts';
import type { Hub, HubFile } from './hub.ts';
import type { Part } from './part.ts';
import type { WeightsFile } from './weights-list.ts';

/** What a file turned out to be. */
export interface Fetched {
  readonly bytes: number;
  readonly sha256: string;
}

export interface DownloadTools {
  readonly hub: Hub;
  readonly claims: Claims;
  /** Called with what is there of the file, whenever that grew. */
  readonly onBytes: (bytes: number) => void;
}

/** The way of one file from the hub to its place in the folder, over as many tries as it takes. */
export class Download {
  readonly #target: string;
  readonly #tools: DownloadTools;
  #part: Part | null = null;
  /** Of all that is in the part. */
  #hash: Hash = createHash('sha256');

  constructor(target: string, tools: DownloadTools) {
    this.#target = target;
    this.#tools = tools;
  }

  /** Null while another process works on the file. Throws a passing WEIGHTS_CORRUPT when it has to begin from nothing. */
  async run(file: WeightsFile): Promise<Fetched | null> {
    const part = this.#part ?? (await this.#begin(file));
    if (part === null) return null;
    try {
      return await this.#through(file, part);
    } finally {
      if (part.lost) this.#part = null;
    }
  }

  /** Leaves what there is to whoever comes next. */
  release(): void {
    this.#part?.release();
  }

  async #through(file: WeightsFile, part: Part): Promise<Fetched> {
    const isWhole = file.sha256 !== null && file.bytes !== null && part.bytes >= file.bytes;
    const sha256 = isWhole ? file.sha256 : await this.#rest(file, part);
    const found = { bytes: part.bytes, sha256: this.#hash.copy().digest('hex') };
    const wrong = mismatch(file, sha256, found);
    if (wrong !== null) await this.#restart(wrong);
    this.#part = null;
    await part.finish();
    return found;
  }

  // What cannot be checked is not gone on with.
  async #begin(file: WeightsFile): Promise<Part | null> {
    const part = await this.#tools.claims.claim(this.#target);
    this.#part = part;
    this.#hash = createHash('sha256');
    if (part === null) return null;
    if (file.sha256 === null) await part.empty();
    this.#tools.onBytes(part.bytes);
    for await (const chunk of part.content()) this.#hash.update(chunk);
    return part;
  }

  async #rest(file: WeightsFile, part: Part): Promise<string | null> {
    const answer = await this.#tools.hub.open(file.name, part.bytes);
    const sha256 = file.sha256 ?? answer.sha256;
    const other = disagreement(file, answer);
    if (other !== null) await this.#restart(other);
    if (answer.from !== part.bytes) {
      await part.empty();
      this.#hash = createHash('sha256');
    }
    const totalBytes = file.bytes ?? answer.totalBytes;
    for await (const chunk of answer.body) {
      await part.write(chunk);
      this.#hash.update(chunk);
      this.#tools.onBytes(part.bytes);
      if (totalBytes !== null && part.bytes > totalBytes) break;
    }
    if (totalBytes !== null && part.bytes < totalBytes)
      throw passing(
        'WEIGHTS_HUB_UNREACHABLE',
        `${file.name} ended after ${part.bytes} of ${totalBytes} bytes`,
      );
    return sha256;
  }

  async #restart(why: string): Promise<never> {
    const part = this.#part;
    this.#part = null;
    await part?.discard();
    this.#tools.onBytes(0);
    throw passing('WEIGHTS_CORRUPT', why);
  }
}

function disagreement(file: WeightsFile, answer: HubFile): string | null {
  if (file.bytes !== null && answer.totalBytes !== null && file.bytes !== answer.totalBytes)
    return `${file.name} has ${answer.totalBytes} bytes, and the hub's list says ${file.bytes}`;
  if (file.sha256 !== null && answer.sha256 !== null && file.sha256 !== answer.sha256)
    return `${file.name} has the hash ${answer.sha256}, and the hub's list says ${file.sha256}`;
  return null;
}

function mismatch(file: WeightsFile, sha256: string | null, found: Fetched): string | null {
  if (file.bytes !== null && found.bytes !== file.bytes)
    return `${file.name} is ${found.bytes} bytes or more instead of ${file.bytes}`;
  if (sha256 !== null && found.sha256 !== sha256)
    return `${file.name} has the hash ${found.sha256} instead of ${sha256}`;
  return null;
}
