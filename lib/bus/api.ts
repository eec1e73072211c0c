import type { ConsumerConfig, ConsumerInfo, StreamConfig, StreamInfo } from 'nats';
import { passing, type AssayError } from '../errors.ts';
import { BrokerRefusal, isRefused, REFUSED, toAssayError } from './broker-error.ts';
import { parseJson } from './entry.ts';
import type { Link } from './link.ts';
import { readListing, type Listed } from './listing.ts';

/** What of a stream's configuration Assay sets. Everything else is the server's default. */
export type StreamSpec = Pick<StreamConfig, 'name' | 'subjects' | 'retention'> &
  Partial<StreamConfig> & { readonly allow_msg_ttl?: boolean };

/** Creates the stream, or changes it to this configuration. */
export async function ensureStream(link: Link, spec: StreamSpec): Promise<void> {
  // Asked first: a server counts a stream's bytes a second time when it is created again, and refuses for want of room.
  const verb = (await streamExists(link, spec.name)) ? 'UPDATE' : 'CREATE';
  try {
    await call(link, `STREAM.${verb}.${spec.name}`, spec);
  } catch (error) {
    if (isRefused(error, REFUSED.noRoomToReserve)) throw noRoom(spec, error);
    if (!isRefused(error, REFUSED.streamNameInUse)) throw toAssayError(error, `${verb} stream ${spec.name}`);
    await assayCall(link, `STREAM.UPDATE.${spec.name}`, spec);
  }
}

function noRoom({ name, max_bytes: bytes = 0 }: StreamSpec, cause: unknown): AssayError {
  return passing(
    'LEDGER_FULL',
    `the broker cannot reserve ${String(bytes)} bytes for ${name}: its max_file_store is smaller than what all streams ask for`,
    cause,
  );
}

export async function streamExists(link: Link, stream: string): Promise<boolean> {
  try {
    await call(link, `STREAM.INFO.${stream}`, {}, { timeoutMs: 2_000, budgetMs: 2_000 });
    return true;
  } catch (error) {
    if (isRefused(error, REFUSED.streamNotFound)) return false;
    throw toAssayError(error, `ask for stream ${stream}`);
  }
}

export function streamInfo(link: Link, stream: string): Promise<StreamInfo> {
  return assayCall(link, `STREAM.INFO.${stream}`, {});
}

export interface SubjectPage {
  readonly subjects: Iterable<Listed>;
  /** Subjects under the filter, on all pages. */
  readonly total: number;
}

/** The subjects under a filter from `offset` on, at most 100,000 of them. A listing costs what it lists. */
export async function subjectPage(
  link: Link,
  stream: string,
  filter: string,
  offset: number,
): Promise<SubjectPage> {
  const verb = `STREAM.INFO.${stream}`;
  const body = Buffer.from(JSON.stringify({ subjects_filter: filter, offset }));
  const message = await link.ask(`$JS.API.${verb}`, body, { ...SLOW, doing: verb });
  const { subjects, rest } = readListing(message.data);
  try {
    return { subjects, total: answered<{ readonly total?: number }>(rest).total ?? 0 };
  } catch (error) {
    throw toAssayError(error, verb);
  }
}

/** Spares what was stored under the sequence `before` or later, or the last `keep` messages. */
export type Spared = { readonly before: number } | { readonly keep: number };

/** Removes what lies under the filter; gives how many messages that were. */
export async function purgeSubjects(
  link: Link,
  stream: string,
  filter: string,
  spared?: Spared,
): Promise<number> {
  const body =
    spared !== undefined && 'before' in spared ? { filter, seq: spared.before } : { filter, ...spared };
  const answer = await assayCall<{ purged: number }>(link, `STREAM.PURGE.${stream}`, body, SLOW);
  return answer.purged;
}

export interface StoredMessage {
  readonly sequence: number;
  readonly data: Uint8Array;
  /** The header block as it was sent; empty when there is none. */
  readonly headers: string;
  /** When it was stored, by the broker's clock: epoch milliseconds. */
  readonly storedMs: number;
}

/** The last message of a subject, as the stream's leader has it. */
export async function lastMessage(
  link: Link,
  stream: string,
  subject: string,
  pace: Pace = QUICK,
): Promise<StoredMessage | null> {
  return stored(link, stream, subject, { last_by_subj: subject }, pace);
}

/** The first message of a subject from a sequence on. */
export function nextMessage(
  link: Link,
  stream: string,
  subject: string,
  from: number,
): Promise<StoredMessage | null> {
  return stored(link, stream, subject, { seq: from, next_by_subj: subject }, QUICK);
}

// Never by DIRECT.GET, whose answer is the message itself: whoever may ask for it can have the broker answer on any
// subject, and so store there what he could not publish. See docs/architecture.md.
async function stored(
  link: Link,
  stream: string,
  subject: string,
  which: object,
  pace: Pace,
): Promise<StoredMessage | null> {
  try {
    const { message } = await call<{ message: RawMessage }>(link, `STREAM.MSG.GET.${stream}`, which, pace);
    const headers = Buffer.from(message.hdrs ?? '', 'base64').toString();
    const data = Buffer.from(message.data ?? '', 'base64');
    return { sequence: message.seq, data, headers, storedMs: Date.parse(message.time) };
  } catch (error) {
    if (isRefused(error, REFUSED.noMessage)) return null;
    throw toAssayError(error, `read ${subject}`);
  }
}

/** Removes one message; fine when it is gone already. */
export async function deleteMessage(link: Link, stream: string, sequence: number): Promise<void> {
  try {
    await call(link, `STREAM.MSG.DELETE.${stream}`, { seq: sequence, no_erase: true });
  } catch (error) {
    const gone = error instanceof BrokerRefusal && !(await holds(link, stream, sequence));
    if (!gone) throw toAssayError(error, `delete message ${String(sequence)}`);
  }
}

async function holds(link: Link, stream: string, sequence: number): Promise<boolean> {
  try {
    await call(link, `STREAM.MSG.GET.${stream}`, { seq: sequence });
    return true;
  } catch (error) {
    if (isRefused(error, REFUSED.noMessage)) return false;
    throw toAssayError(error, `look for message ${String(sequence)}`);
  }
}

/** Creates the consumer, or changes it to this configuration. */
export function ensureConsumer(
  link: Link,
  stream: string,
  config: Partial<ConsumerConfig> & { readonly name: string },
): Promise<ConsumerInfo & { readonly ts?: string }> {
  const body = { stream_name: stream, config };
  return assayCall(link, `CONSUMER.CREATE.${stream}.${config.name}`, body);
}

/** Null when the consumer is not there any more. */
export async function consumerInfo(link: Link, stream: string, name: string): Promise<ConsumerInfo | null> {
  try {
    return await call(link, `CONSUMER.INFO.${stream}.${name}`, {});
  } catch (error) {
    if (isRefused(error, REFUSED.consumerNotFound)) return null;
    throw toAssayError(error, `ask for consumer ${name}`);
  }
}

export async function deleteConsumer(link: Link, stream: string, name: string): Promise<void> {
  try {
    await call(link, `CONSUMER.DELETE.${stream}.${name}`, {});
  } catch (error) {
    if (!isRefused(error, REFUSED.consumerNotFound)) throw toAssayError(error, `delete consumer ${name}`);
  }
}

/** How long one try, and all tries, of a request may take. */
export interface Pace {
  readonly timeoutMs: number;
  readonly budgetMs: number;
}

const QUICK: Pace = { timeoutMs: 5_000, budgetMs: 10_000 };
const SLOW: Pace = { timeoutMs: 60_000, budgetMs: 120_000 };

async function assayCall<T>(link: Link, verb: string, body: object, pace: Pace = QUICK): Promise<T> {
  try {
    return await call<T>(link, verb, body, pace);
  } catch (error) {
    throw toAssayError(error, verb);
  }
}

// Throws BrokerRefusal for what JetStream refuses, AssayError for what never arrived.
async function call<T>(link: Link, verb: string, body: object, pace: Pace = QUICK): Promise<T> {
  const message = await link.ask(`$JS.API.${verb}`, Buffer.from(JSON.stringify(body)), {
    ...pace,
    doing: verb,
  });
  return answered<T>(message.data);
}

/** The body of an answer. Throws BrokerRefusal when it says no. */
export function answered<T>(data: Uint8Array): T {
  const body = parseJson(data);
  if (!isAnswer<T>(body)) throw new BrokerRefusal(0, 'the answer is not JSON');
  if (body.error !== undefined)
    throw new BrokerRefusal(body.error.err_code ?? 0, body.error.description ?? '');
  return body;
}

type Answer<T> = T & { readonly error?: { readonly err_code?: number; readonly description?: string } };

// The shapes are those of JetStream's API, which the broker speaks by version.
function isAnswer<T>(body: unknown): body is Answer<T> {
  return typeof body === 'object' && body !== null;
}

interface RawMessage {
  readonly seq: number;
  readonly time: string;
  readonly data?: string;
  readonly hdrs?: string;
}
