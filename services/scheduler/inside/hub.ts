import { AssayError, passing } from '@assay/lib/errors';
import { hubFault } from './hub-fault.ts';
import { silence, type Silence } from './silence.ts';
import { sha256Of } from './weights-list.ts';

/** One repository at one revision of a hub. */
export interface Hub {
  list(): Promise<unknown>;
  /** The file from a byte on. The body must be read or left by `for await`. */
  open(name: string, from: number): Promise<HubFile>;
}

export interface HubFile {
  /** Where the body begins: 0 when the hub sends the whole, whatever was asked for. */
  readonly from: number;
  readonly totalBytes: number | null;
  readonly sha256: string | null;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface HubOptions {
  readonly base: URL;
  readonly repo: string;
  readonly revision: string;
  /** Sent to the hub's own origin, and to nobody that it sends us to. */
  readonly token: string | null;
  readonly silenceMs: number;
}

const MOST_REDIRECTS = 5;
const MOST_LIST_BYTES = 64 * 1024 * 1024;

export function openHub(options: HubOptions): Hub {
  const { repo, revision } = options;
  const root = options.base.href.replace(/\/+$/, '');
  const at = encodeURIComponent(revision);
  return {
    async list() {
      const url = new URL(`${root}/api/models/${repo}/revision/${at}?blobs=true`);
      const what = `the list of ${repo} at ${revision}`;
      return parsed(await whole(bodyOf(await ask(options, url, what, {}))));
    },
    async open(name, from) {
      const file = name.split('/').map(encodeURIComponent).join('/');
      const url = new URL(`${root}/${repo}/resolve/${at}/${file}`);
      const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
      const answer = await ask(options, url, `${name} of ${repo}`, headers);
      const range = rangeOf(answer.response, from);
      if (range !== null) return { ...range, sha256: answer.sha256, body: bodyOf(answer) };
      answer.quiet.pause();
      await answer.response.body?.cancel();
      return this.open(name, 0);
    },
  };
}

interface Answer {
  readonly response: Response;
  readonly sha256: string | null;
  readonly quiet: Silence;
  readonly origin: string;
}

async function ask(
  options: HubOptions,
  first: URL,
  what: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const { base, token, silenceMs } = options;
  let at = first;
  let sha256: string | null = null;
  const quiet = silence(silenceMs, () =>
    passing('WEIGHTS_HUB_UNREACHABLE', `${at.origin} was silent for ${silenceMs} ms over ${what}`),
  );
  quiet.listen();
  try {
    for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
      const own = at.origin === base.origin;
      const bearer = own && token !== null ? { authorization: `Bearer ${token}` } : {};
      const response = await fetch(at, {
        redirect: 'manual',
        signal: quiet.signal,
        // Bytes are counted, so they must come as they are.
        headers: { ...headers, ...bearer, 'accept-encoding': 'identity', 'user-agent': 'assay' },
      });
      if (own) sha256 ??= hashOf(response.headers);
      if (response.ok || response.status === 416) return { response, sha256, quiet, origin: at.origin };
      await response.body?.cancel();
      const retryAfter = response.headers.get('retry-after');
      at =
        nextOf(response, at) ?? refuse({ status: response.status, what, origin: at.origin, own, retryAfter });
    }
    throw new AssayError('WEIGHTS_HUB_UNREACHABLE', `${base.origin} only sends us on for ${what}`);
  } catch (error) {
    quiet.pause();
    throw unreachable(error, at.origin);
  }
}

function refuse(refusal: Parameters<typeof hubFault>[0]): never {
  throw hubFault(refusal);
}

function nextOf(response: Response, at: URL): URL | null {
  const location = response.headers.get('location');
  if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return null;
  const next = URL.canParse(location, at.href) ? new URL(location, at) : null;
  const secure = next?.protocol === 'https:' || (next?.protocol === 'http:' && at.protocol === 'http:');
  if (next !== null && secure) return next;
  throw new AssayError('WEIGHTS_HUB_UNREACHABLE', `${at.origin} sends us to an address that is not taken`);
}

// The hub says the hash of a large file, where it sends us on or itself, as an entity tag.
function hashOf(headers: Headers): string | null {
  return sha256Of(headers.get('x-linked-etag') ?? '') ?? sha256Of(headers.get('etag') ?? '');
}

/** What the answer holds; null when the hub has no such range, and the file must be asked for from its beginning. */
function rangeOf(response: Response, asked: number): Pick<HubFile, 'from' | 'totalBytes'> | null {
  const range = response.headers.get('content-range') ?? '';
  if (response.status === 416) {
    const totalBytes = numberOf(/^bytes \*\/(\d+)$/.exec(range)?.[1]);
    return totalBytes === asked ? { from: asked, totalBytes } : null; // nothing is missing
  }
  if (response.status !== 206)
    return { from: 0, totalBytes: numberOf(response.headers.get('content-length')) };
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range) ?? [];
  return Number(from) === asked ? { from: asked, totalBytes: numberOf(total) } : null;
}

function numberOf(text: string | null | undefined): number | null {
  return /^\d{1,15}$/.test(text ?? '') ? Number(text) : null;
}

async function* bodyOf({ response, quiet, origin }: Answer): AsyncGenerator<Uint8Array> {
  try {
    if (response.status === 416) await response.body?.cancel();
    if (response.status === 416 || response.body === null) return;
    for await (const chunk of response.body) {
      quiet.pause();
      yield chunk;
      quiet.listen();
    }
  } catch (error) {
    throw unreachable(error, origin);
  } finally {
    quiet.pause();
  }
}

async function whole(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_LIST_BYTES)
      throw new AssayError('WEIGHTS_HUB_UNREACHABLE', 'the list of the hub does not end');
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw passing('WEIGHTS_HUB_UNREACHABLE', 'the hub answers something else than JSON', error);
  }
}

function unreachable(error: unknown, origin: string): AssayError {
  if (error instanceof AssayError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no reason given';
  const why = cause instanceof Error && cause.message !== '' ? cause.message : code;
  return passing('WEIGHTS_HUB_UNREACHABLE', `${origin} cannot be reached, or cut us off: ${why}`, error);
}
