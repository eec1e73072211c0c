import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Access } from './access.ts';

export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  /** Throws when the request must not be sent. Called with the connection open, right before the first byte is written. */
  readonly guard?: () => void;
}

export interface Transport {
  /** The answer's head; its body is still to be read. Rejects when there is none. */
  send(outgoing: Outgoing, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

const KEEP_ALIVE_MS = 30_000;

/** Requests over connections that are kept open, as the access says. */
export function openTransport(access: Access): Transport {
  const secure = access.server.protocol === 'https:';
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS });
  const request = secure ? httpsRequest : httpRequest;

  async function once(outgoing: Outgoing, signal: AbortSignal): Promise<IncomingMessage> {
    const headers: Record<string, string> = { ...(await access.headers()), accept: 'application/json' };
    if (outgoing.body !== undefined) {
      headers['content-type'] = outgoing.contentType ?? 'application/json';
      headers['content-length'] = String(Buffer.byteLength(outgoing.body));
    }
    return new Promise((resolve, reject) => {
      const { hostname, port, pathname } = access.server;
      const sent = request({
        ...access.tls(),
        host: hostname.replaceAll(/[[\]]/g, ''),
        port: port === '' ? (secure ? 443 : 80) : port,
        path: pathname.replace(/\/$/, '') + outgoing.path,
        method: outgoing.method,
        headers,
        agent,
        signal,
      });
      const write = () => {
        try {
          outgoing.guard?.();
          sent.end(outgoing.body);
        } catch (error) {
          sent.destroy(error instanceof Error ? error : new Error(String(error)));
        }
      };
      sent.once('response', resolve);
      sent.once('error', (error) => reject(Object.assign(error, { reused: sent.reusedSocket })));
      sent.once('socket', (socket) => {
        socket.setKeepAlive(true, KEEP_ALIVE_MS);
        if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', write);
        else write();
      });
    });
  }

  return {
    async send(outgoing, signal) {
      try {
        return await once(outgoing, signal);
      } catch (error) {
        // The server may close a connection that was idle just as we write to it: nothing was asked then.
        if (signal.aborted || outgoing.method === 'POST' || !isStale(error)) throw error;
        return once(outgoing, signal);
      }
    },
    close: () => agent.destroy(),
  };
}

function isStale(error: unknown): boolean {
  if (!(error instanceof Error) || !('reused' in error) || !('code' in error)) return false;
  return error.reused === true && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}
