import type { Log } from './log.ts';

/** The two shutdown clocks of a process, and what must happen before it ends. */
export interface Life {
  /** SIGTERM or SIGINT came: take nothing new, finish what is in hand. */
  readonly stop: AbortSignal;
  /** The grace is over, or a second signal came: give up what is in hand. */
  readonly kill: AbortSignal;
  /** Runs at the end, last registered first. */
  onClose(name: string, close: () => Promise<void>): void;
  /** Work that the end waits for; its rejection ends the process with code 1. */
  track(name: string, work: Promise<void>): void;
  /** Ends the process with code 1, in order. */
  fail(error: unknown): void;
}

export interface Service {
  readonly name: string;
  readonly log: Log;
  /** From the first signal to `kill`. */
  readonly graceMs: number;
  readonly start: (life: Life) => Promise<void>;
}

const CLOSE_MS = 3_000;

/** Runs a service until a signal or a fatal error, then ends the process: 0 after a signal, 1 after an error. */
export async function runService(service: Service): Promise<void> {
  const { log, graceMs } = service;
  const stop = new AbortController();
  const kill = new AbortController();
  const closers: { readonly name: string; readonly close: () => Promise<void> }[] = [];
  const tracked: Promise<void>[] = [];
  let exitCode = 0;

  const begin = (why: string) => {
    if (stop.signal.aborted) return kill.abort(new Error('killed by a second signal'));
    log.info({ why }, 'stops');
    stop.abort(new Error(why));
    setTimeout(() => kill.abort(new Error('the grace is over')), graceMs).unref();
  };
  const fail = (error: unknown) => {
    log.fatal({ err: error }, 'failed');
    exitCode = 1;
    if (!stop.signal.aborted) begin('failure');
  };
  process.on('SIGTERM', () => begin('SIGTERM'));
  process.on('SIGINT', () => begin('SIGINT'));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  const life: Life = {
    stop: stop.signal,
    kill: kill.signal,
    onClose: (name, close) => void closers.push({ name, close }),
    track: (name, work) =>
      void tracked.push(
        work.catch((error: unknown) => {
          if (!kill.signal.aborted) fail(new Error(`${name} failed`, { cause: error }));
        }),
      ),
    fail,
  };
  await service.start(life).catch((error: unknown) => {
    if (!stop.signal.aborted) fail(error);
  });
  await aborted(stop.signal);
  await Promise.race([Promise.all(tracked), aborted(kill.signal)]);
  for (const { name, close } of closers.toReversed()) {
    await within(CLOSE_MS, close()).catch((error: unknown) => log.warn({ err: error, name }, 'not closed'));
  }
  log.info({ exitCode }, 'ended');
  log.flush();
  setTimeout(() => process.exit(exitCode), 50);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    return undefined;
  });
}

function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`not done within ${ms} ms`)), ms);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
