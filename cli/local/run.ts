import path from 'node:path';
import { systemClock } from '@assay/lib/clock';
import { AssayError } from '@assay/lib/errors';
import { createLog } from '@assay/lib/log';
import { layoutOf } from './layout.ts';
import { supervise, type Supervisor } from './supervisor.ts';
import type { ServiceSettings } from './services.ts';

export interface LocalOptions {
  readonly state: string;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly extra?: ServiceSettings['extra'];
  /** Where the supervisor's own log goes; default is its terminal. */
  readonly level?: string;
}

/** Starts the broker and the four services for this checkout and keeps them running until `stop` aborts. */
export async function startLocal(options: LocalOptions, stop: AbortSignal): Promise<Supervisor> {
  const { env, home } = options;
  const broker = namedBroker(env);
  if (broker !== null) await tryBroker(broker, stop);
  return supervise(
    {
      layout: layoutOf(options.state),
      home,
      node: process.execPath,
      pid: process.pid,
      env: surroundings(env),
      catalog: path.join(home, 'catalog'),
      broker,
      natsServer: env['ASSAY_NATS_SERVER'],
      extra: options.extra ?? {},
      clock: systemClock,
      log: createLog({ service: 'local', level: options.level ?? 'info' }),
    },
    stop,
  );
}

interface NamedBroker {
  readonly url: string;
  readonly token: string | undefined;
}

function namedBroker(env: NodeJS.ProcessEnv): NamedBroker | null {
  const url = env['NATS_URL'];
  return url === undefined || url === '' ? null : { url, token: env['NATS_TOKEN'] };
}

// The services would wait for a broker that never comes, each for itself.
async function tryBroker({ url, token }: NamedBroker, stop: AbortSignal): Promise<void> {
  // No other command has to load the broker's client.
  const { connectBus } = await import('@assay/lib/bus');
  const log = createLog({ service: 'local', level: 'silent', pretty: false });
  const signal = AbortSignal.any([stop, AbortSignal.timeout(BROKER_MS)]);
  try {
    const bus = await connectBus({
      url,
      name: 'assay local',
      log,
      signal,
      ...(token !== undefined && { token }),
    });
    await bus.close();
  } catch (error) {
    throw new AssayError('UNAVAILABLE', `NATS_URL: ${AssayError.from(error).message}`, { cause: error });
  }
}

const BROKER_MS = 3_000;

// What a service needs of its surroundings. Everything of ours reaches it by name, so that no setting slips in.
function surroundings(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ', 'USER'];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
