import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubOptions {
  /** `owner/name`. */
  readonly repo: string;
  readonly revision: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Files that the hub itself does not serve: it sends on to another origin, and says their hashes. Default: all. */
  readonly large?: readonly string[];
  /** What every request to the hub's own origin must bear. */
  readonly token?: string;
  /** Loopback address; with `0.0.0.0` the pods of a cluster reach it. */
  readonly host?: string;
}

export interface HubRequest {
  readonly route: 'list' | 'resolve' | 'elsewhere';
  /** Of the file; empty for the list. */
  readonly name: string;
  readonly range: string | null;
  readonly authorization: string | null;
  /** How much of the body went out. */
  sentBytes: number;
}

/** What a request gets instead of a right answer. */
export interface HubFault {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Takes the request and never says a word. */
  readonly silent?: boolean;
  /** The connection is cut after so many bytes of the body. */
  readonly cutAfter?: number;
  /** From so many bytes of the body on, nothing more comes. */
  readonly silentAfter?: number;
  /** One bit of the body is another. */
  readonly spoiled?: boolean;
  /** The whole file, whatever range is asked for. */
  readonly noRanges?: boolean;
  /** After so many bytes of the body, the rest comes when the promise resolves. */
  readonly hold?: { readonly afterBytes: number; readonly until: Promise<void> };
}

/** A server with the download routes of huggingface.co, and a second one with an origin of its own that keeps the large files. */
export interface Hub {
  readonly url: string;
  readonly requests: readonly HubRequest[];
  /** Asked before each answer; null: a right one. */
  fault: (request: HubRequest) => HubFault | null;
  /** What the list says of a file, where it does not say the truth. */
  said: Readonly<
    Record<string, { readonly size?: number; readonly sha256?: string | null; readonly name?: string }>
  >;
  forget(): void;
  close(): Promise<void>;
}

const CHUNK_BYTES = 64 * 1024;

export async function startHub(options: HubOptions): Promise<Hub> {
  const { repo, revision, files, token, host = '127.0.0.1' } = options;
  const large = new Set(options.large ?? Object.keys(files));
  const requests: HubRequest[] = [];
  const resolve = `/${repo}/resolve/${encodeURIComponent(revision)}/`;

  const own = await serve(host, async (request, response) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://hub');
    const isList =
      pathname + search === `/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
    const name = pathname.startsWith(resolve) ? decodeURIComponent(pathname.slice(resolve.length)) : '';
    const asked = noted(request, isList ? 'list' : 'resolve', name);
    if (token !== undefined && asked.authorization !== `Bearer ${token}`) return refuse(response, 401);
    const fault = hub.fault(asked);
    if (fault?.silent === true) return;
    if (fault?.status !== undefined) return refuse(response, fault.status, fault.headers);
    if (isList) return void response.end(JSON.stringify(list()));
    const content = files[name];
    if (content === undefined) return refuse(response, 404);
    const tag = { 'x-linked-etag': `"${sha256(content)}"`, 'x-linked-size': String(content.length) };
    if (!large.has(name)) return send(asked, response, content, fault, { etag: `"${'0'.repeat(40)}"` });
    response
      .writeHead(302, { ...tag, location: `${elsewhere.url}/${encodeURIComponent(name)}?signed` })
      .end();
  });
  const elsewhere = await serve(host, async (request, response) => {
    const name = decodeURIComponent(new URL(request.url ?? '', 'http://cdn').pathname.slice(1));
    const asked = noted(request, 'elsewhere', name);
    const fault = hub.fault(asked);
    if (fault?.silent === true) return;
    if (fault?.status !== undefined) return refuse(response, fault.status, fault.headers);
    await send(asked, response, files[name] ?? new Uint8Array(), fault, { etag: '"of-this-server"' });
  });

  function noted(request: IncomingMessage, route: HubRequest['route'], name: string): HubRequest {
    const { range = null, authorization = null } = request.headers;
    const asked = { route, name, range, authorization, sentBytes: 0 };
    requests.push(asked);
    return asked;
  }

  function list(): object {
    const siblings = Object.entries(files).map(([name, content]) => {
      const {
        size = content.length,
        sha256: hash = sha256(content),
        name: rfilename = name,
      } = hub.said[name] ?? {};
      const lfs = large.has(name) && hash !== null ? { lfs: { sha256: hash, size, pointerSize: 134 } } : {};
      return { rfilename, size, blobId: '0'.repeat(40), ...lfs };
    });
    return { id: repo, sha: '1'.repeat(40), siblings };
  }

  const hub: Hub = {
    url: own.url,
    requests,
    fault: () => null,
    said: {},
    forget: () => void requests.splice(0),
    async close() {
      await Promise.all([own.close(), elsewhere.close()]);
    },
  };
  return hub;
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

async function serve(host: string, answer: Answer): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function refuse(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, headers).end('no');
}

async function send(
  asked: HubRequest,
  response: ServerResponse,
  content: Uint8Array,
  fault: HubFault | null,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const from = fault?.noRanges === true ? 0 : Number(/^bytes=(\d+)-$/.exec(asked.range ?? '')?.[1] ?? 0);
  if (from > 0 && from >= content.length)
    return refuse(response, 416, { 'content-range': `bytes */${content.length}` });
  const body = Buffer.from(content.subarray(from));
  if (fault?.spoiled === true) body.writeUInt8(body.readUInt8(body.length - 1) ^ 1, body.length - 1);
  const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
  response.writeHead(from > 0 ? 206 : 200, {
    ...headers,
    ...(from > 0 && range),
    'content-length': body.length,
  });
  const { cutAfter = Infinity, silentAfter = Infinity, hold } = fault ?? {};
  for (let at = 0; at < body.length && !response.destroyed; at += CHUNK_BYTES) {
    const end = Math.min(body.length, at + CHUNK_BYTES, cutAfter, silentAfter);
    await new Promise<void>((done) => void response.write(body.subarray(at, end), () => done()));
    asked.sentBytes = end;
    if (end >= cutAfter) return void response.destroy();
    if (end >= silentAfter) return;
    if (hold !== undefined && end >= hold.afterBytes) await hold.until;
  }
  response.end();
}
