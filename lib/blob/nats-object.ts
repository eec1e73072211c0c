import { randomBytes } from 'node:crypto';
import { lastMessage, nextMessage, streamInfo, subjectPage } from '../bus/api.ts';
import { encodeEntry, parseJson } from '../bus/entry.ts';
import type { Link } from '../bus/link.ts';
import { publish } from '../bus/publish.ts';
import { BLOBS } from '../bus/streams.ts';
import { passing } from '../errors.ts';

/** What the object store keeps of one object beside its chunks. Source of the layout: NATS ADR-20. */
export interface ObjectInfo {
  readonly name: string;
  readonly bucket: string;
  /** Names this object's chunks: one writer's, once. */
  readonly nuid: string;
  readonly size: number;
  readonly chunks: number;
  readonly digest: string;
  readonly mtime: string;
}

/** The newest word about a name: its sequence, and null as `info` for what is deleted or cannot be read. */
export interface Head {
  readonly sequence: number;
  readonly info: ObjectInfo | null;
}

export function infoSubject(digits: string): string {
  return `${BLOBS.infos}.${Buffer.from(digits).toString('base64')}`;
}

/** The name in a subject that `infoSubject` gave; null for another one. */
export function digitsIn(subject: string): string | null {
  const digits = Buffer.from(subject.slice(BLOBS.infos.length + 1), 'base64').toString();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : null;
}

export function chunkSubject(nuid: string): string {
  return `${BLOBS.chunks}.${nuid}`;
}

export async function headOf(link: Link, digits: string): Promise<Head | null> {
  const message = await lastMessage(link, BLOBS.stream, infoSubject(digits));
  return message && { sequence: message.sequence, info: parseInfo(message.data) };
}

export function parseInfo(data: Uint8Array): ObjectInfo | null {
  const info = parseJson(data);
  return isInfo(info) ? info : null;
}

function isInfo(value: unknown): value is ObjectInfo {
  if (typeof value !== 'object' || value === null || ('deleted' in value && value.deleted === true))
    return false;
  const { nuid, size, chunks } = { nuid: null, size: null, chunks: null, ...value };
  return typeof nuid === 'string' && /^[A-Za-z0-9_-]+$/.test(nuid) && isCount(size) && isCount(chunks);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Says the newest word about a name, if the last one still is `expected` (0: there is none). */
export async function tell(link: Link, info: ObjectInfo, expected: number): Promise<boolean> {
  const told = { ...info, mtime: new Date().toISOString() };
  return (await publish(link, infoSubject(info.name), encodeEntry(told), { expected, pace: PACE })) !== null;
}

/** Stores the bytes as chunks that nothing refers to yet. They are not undone when this fails: see `sweepObjects`. */
export async function storeChunks(link: Link, digits: string, bytes: Uint8Array): Promise<ObjectInfo> {
  const nuid = randomBytes(16).toString('hex');
  const subject = chunkSubject(nuid);
  const chunkBytes = Math.min(CHUNK_BYTES, Math.floor((link.nc.info?.max_payload ?? Infinity) / 2));
  const chunks = Math.ceil(bytes.byteLength / chunkBytes);
  if (chunks > 1) await room(link, bytes.byteLength);
  let last = 0;
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    last = await storeChunk(link, subject, chunk, last);
  }
  const digest = `SHA-256=${Buffer.from(digits, 'hex').toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`;
  const bucket = BLOBS.stream.slice('OBJ_'.length);
  return { name: digits, bucket, nuid, size: bytes.byteLength, chunks, digest, mtime: '' };
}

const CHUNK_BYTES = 256 * 1024;
const PACE = { timeoutMs: 5_000, budgetMs: 20_000 };

// One after the other, each on the one before it: sent twice it is stored once, and in order.
async function storeChunk(link: Link, subject: string, chunk: Uint8Array, after: number): Promise<number> {
  const sequence = await publish(link, subject, chunk, { expected: after, pace: PACE });
  if (sequence !== null) return sequence;
  const own = await lastMessage(link, BLOBS.stream, subject);
  if (own !== null && own.sequence > after) return own.sequence;
  throw passing('BROKER_UNAVAILABLE', `store ${subject}: the chunks before are gone`);
}

// Asked before the first chunk, so that what cannot be finished does not take the room that is left.
async function room(link: Link, bytes: number): Promise<void> {
  const { state, config } = await streamInfo(link, BLOBS.stream);
  if (config.max_bytes <= 0 || state.bytes + bytes <= config.max_bytes) return;
  throw passing('BLOB_STORE_FULL', `the blob store has no room for ${String(bytes)} bytes`);
}

/** Whether every chunk is there. */
export async function isWhole(link: Link, { nuid, chunks }: ObjectInfo): Promise<boolean> {
  if (chunks === 0) return true;
  const subject = chunkSubject(nuid);
  const page = await subjectPage(link, BLOBS.stream, subject, 0);
  const [listed] = page.subjects;
  return listed?.messages === chunks;
}

/** The bytes; null when some of them are not there. */
export async function readChunks(link: Link, { nuid, size, chunks }: ObjectInfo): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let sequence = 0;
  for (let n = 0; n < chunks; n += 1) {
    const chunk = await nextMessage(link, BLOBS.stream, chunkSubject(nuid), sequence + 1);
    if (chunk === null) return null;
    parts.push(chunk.data);
    sequence = chunk.sequence;
  }
  const bytes = Buffer.concat(parts);
  return bytes.byteLength === size ? bytes : null;
}
