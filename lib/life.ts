import { createLog, type Log } from './log.ts';

/** The two shutdown clocks of a process, and what must happen before it ends. */
export interface Life {
  /** SIGTERM or SIGINT came: take nothing new, finish what is in hand. */
  readonly stop: AbortSignal;
  /** The grace is over, or a second signal came: give up what is in hand. */
  readonly kill: AbortSignal;
  /** Runs at the end, last registered first, each for at most three seconds. */
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
/** What work in hand has to give up after `kill`, before the process closes over it. */
const GIVE_UP_MS = 500;

interface Closer {
  readonly name: string;
  readonly close: () => Promise<void>;
}

/** Runs a service until a signal or a fatal error, then ends the process: 0 after a signal, 1 after an error. */
export async function runService(service: Service): Promise<void> {
  const { log } = service;
  const clocks = shutdownClocks(service);
  const closers: Closer[] = [];
  const tracked = new Set<Promise<void>>();
  const fail = (error: unknown) => {
    log.fatal({ err: error }, 'failed');
    process.exitCode = 1;
    if (!clocks.stop.aborted) clocks.begin('failure');
  };
  const track = (name: string, work: Promise<void>) => {
    const settled = work
      .catch((error: unknown) => {
        if (!clocks.kill.aborted) fail(new Error(`${name} failed`, { cause: error }));
      })
      .finally(() => tracked.delete(settled));
    tracked.add(settled);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  const life: Life = {
    stop: clocks.stop,
    kill: clocks.kill,
    onClose: (name, close) => void closers.push({ name, close }),
    track,
    fail,
  };
  // What a start throws after a signal is the signal's doing.
  const started = service.start(life).catch((error: unknown) => {
    if (!clocks.stop.aborted) fail(error);
  });
  await aborted(clocks.stop);
  await Promise.race([idle(started, tracked), aborted(clocks.kill).then(() => pause(GIVE_UP_MS))]);
  await closeAll(closers, log);
  log.info({ exitCode: process.exitCode ?? 0 }, 'ended');
  process.exit();
}

interface ShutdownClocks {
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
  readonly begin: (why: string) => void;
}

function shutdownClocks({ log, graceMs }: Service): ShutdownClocks {
  const stop = new AbortController();
  const kill = new AbortController();
  const begin = (why: string) => {
    if (stop.signal.aborted) return kill.abort(new Error('killed by a second signal'));
    log.info({ why }, 'stops');
    stop.abort(new Error(why));
    setTimeout(() => kill.abort(new Error('the grace is over')), graceMs);
  };
  process.on('SIGTERM', () => begin('SIGTERM'));
  process.on('SIGINT', () => begin('SIGINT'));
  return { stop: stop.signal, kill: kill.signal, begin };
}

// What is in hand may itself track more.
async function idle(started: Promise<void>, tracked: ReadonlySet<Promise<void>>): Promise<void> {
  await started;
  while (tracked.size > 0) await Promise.all(tracked);
}

async function closeAll(closers: readonly Closer[], log: Log): Promise<void> {
  for (const { name, close } of closers.toReversed()) {
    const closed = (async () => close())();
    await within(CLOSE_MS, closed).catch((error: unknown) => log.warn({ err: error, name }, 'not closed'));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    return undefined;
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`not done within ${ms} ms`)), ms);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

/** Reads a service's settings; when they are wrong, logs every one that is and ends the process with code 1. */
export function settingsOrExit<T>(service: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    createLog({ service, level: 'fatal' }).fatal({ err: error }, 'cannot start');
    process.exit(1);
  }
}
