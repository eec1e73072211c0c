import type { Screen } from './view/screen.ts';
import { connect, type Clients } from './clients.ts';
import type { Where } from './where.ts';

/** What a command has at hand: the outside as arguments, so that a test can give another. */
export interface Io {
  readonly env: NodeJS.ProcessEnv;
  readonly out: Screen;
  readonly err: (line: string) => void;
  /** Aborts on Ctrl-C. */
  readonly interrupted: AbortSignal;
  setExitCode(code: number): void;
}

export interface GlobalOptions extends Where {
  readonly json?: boolean;
}

export function line(io: Io, text: string): void {
  io.out.write(`${text}\n`);
}

/** Runs something against the services and closes the connections after it. */
export async function withClients<T>(
  io: Io,
  options: GlobalOptions,
  use: (clients: Clients) => Promise<T>,
): Promise<T> {
  const clients = await connect(options, io.env);
  try {
    return await use(clients);
  } catch (error) {
    throw clients.explain(error);
  } finally {
    clients.close();
  }
}
