import { createServer, type Socket } from 'node:net';
import { AssayError } from '../errors.ts';

/** A connection to the far side, put behind a socket. */
export interface Dialled {
  close(): void;
}

/**
 * Puts the far side behind the socket: what comes goes there and the other way round. Calls `gone` when it ends.
 * Rejects when it cannot be reached.
 */
export type Dial = (socket: Socket, gone: (fault?: AssayError) => void) => Promise<Dialled>;

export interface Forward {
  /** host:port on loopback, chosen by the system. */
  readonly address: string;
  /** Why the last connection could not be made, or was cut; null when it could. */
  fault(): AssayError | null;
  close(): void;
}

/** Listens on loopback. The far side is dialled for each connection, so one that is gone is followed by another. */
export async function openForward(dial: Dial): Promise<Forward> {
  const sockets = new Set<Socket>();
  let fault: AssayError | null = null;

  async function connect(socket: Socket): Promise<void> {
    const gone = (why?: AssayError) => {
      fault = why ?? fault;
      socket.destroy();
    };
    try {
      const far = await dial(socket, gone);
      fault = null;
      if (socket.destroyed) far.close();
      else socket.once('close', () => far.close());
    } catch (error) {
      gone(AssayError.from(error));
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Whoever dialled hears of it by the close that follows.
    socket.on('error', () => undefined);
    void connect(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('a socket without a port');
  return {
    address: `127.0.0.1:${at.port}`,
    fault: () => fault,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
