import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { passing } from '@assay/lib/errors';
import type { Channel, Channels, ChannelUser } from './channel.ts';

const POLL_MS = 200;
// A container that ended is back sooner, unless it ends again and again: then another sandbox may do better.
const PATIENCE_MS = 30_000;
// A zygote speaks as soon as it is ready.
const HELLO_MS = 2_000;

/**
 * The jail's processes in a container of their own: each is one connection to its socket (`jail/serve.py`), and ends with
 * it. While nobody listens there, whoever wants a process waits.
 */
export class ExecSide implements Channels {
  readonly path: string;
  readonly #patienceMs: number;
  #away: string | null;

  constructor(path: string, patienceMs = PATIENCE_MS) {
    this.path = path;
    this.#patienceMs = patienceMs;
    this.#away = `nobody was asked yet at ${path}`;
  }

  /** Whether the last connection ended by itself, or there was none to be had. */
  get isAway(): boolean {
    return this.#away !== null;
  }

  /** Null when it is there, else why it is not; asked again when it was not. */
  async whyAway(): Promise<string | null> {
    if (!this.isAway) return null;
    const socket = await this.#connect();
    if (socket !== null) await this.#hear(socket);
    return this.#away;
  }

  /** As `Channels.open`; UNAVAILABLE after half a minute without an answer. */
  async open(user: ChannelUser, signal: AbortSignal): Promise<Channel> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(this.#patienceMs)]);
    for (;;) {
      const socket = await this.#connect();
      if (socket !== null) return this.#channel(socket, user);
      const waited = await sleep(POLL_MS, true, { signal: patience }).catch(() => false);
      if (!waited) throw passing('UNAVAILABLE', this.#away ?? 'the sandbox is stopping');
    }
  }

  async #connect(): Promise<Socket | null> {
    return await new Promise((resolve) => {
      const socket = connect({ path: this.path });
      socket.once('connect', () => resolve(socket));
      socket.on('error', (error) => {
        this.#away = `the exec side is not there: ${error.message}`;
        resolve(null);
      });
    });
  }

  /** Waits for a process to say something, which it does when it could be started, and ends it. */
  async #hear(socket: Socket): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const channel = this.#channel(socket, { read: () => resolve(), ended: () => resolve() });
    const timer = setTimeout(resolve, HELLO_MS);
    await promise;
    clearTimeout(timer);
    channel.kill();
  }

  #channel(socket: Socket, user: ChannelUser): Channel {
    let ours = false;
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => {
        if (!ours) this.#away = 'the exec side closed a connection; its log says why';
        user.ended('the exec side closed the connection; its log says why');
        resolve();
      });
    });
    socket.on('data', (chunk: Buffer) => {
      this.#away = null;
      user.read(chunk);
    });
    return {
      write: (frame) => void socket.write(frame),
      kill: () => {
        ours = true;
        socket.destroy();
      },
      closed: async () => await closed,
    };
  }
}
