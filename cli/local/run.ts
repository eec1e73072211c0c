import path from 'node:path';
import { systemClock } from '@assay/lib/clock';
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
export function startLocal(options: LocalOptions, stop: AbortSignal): Promise<Supervisor> {
  const { env, home } = options;
  const url = env['NATS_URL'];
  return supervise(
    {
      layout: layoutOf(options.state),
      home,
      node: process.execPath,
      pid: process.pid,
      env: surroundings(env),
      catalog: path.join(home, 'catalog'),
      broker: url === undefined || url === '' ? null : { url, token: env['NATS_TOKEN'] },
      natsServer: env['ASSAY_NATS_SERVER'],
      extra: options.extra ?? {},
      clock: systemClock,
      log: createLog({ service: 'local', level: options.level ?? 'info' }),
    },
    stop,
  );
}

// What a service needs of its surroundings. Everything of ours reaches it by name, so that no setting slips in.
function surroundings(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ', 'USER'];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
