import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokerUsersConfig, SERVICE_NAMES, type ServiceName } from '@assay/lib/bus';
import { startNats, type NatsServer } from './nats.ts';

/** A broker that knows a user for each service, and one that may do everything, which only the test uses. */
export interface GuardedBroker {
  readonly server: NatsServer;
  readonly passwords: Readonly<Record<ServiceName | 'admin', string>>;
  /** The settings that make a service connect as its user. */
  settings(service: ServiceName): Record<string, string>;
  stop(): Promise<void>;
}

export async function startGuardedBroker(): Promise<GuardedBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-users-'));
  const secret = () => randomBytes(12).toString('hex');
  const passwords = {
    scheduler: secret(),
    runner: secret(),
    sandbox: secret(),
    reporter: secret(),
    admin: secret(),
  };
  const fileOf = (service: ServiceName) => join(folder, service);
  for (const name of SERVICE_NAMES) await writeFile(fileOf(name), `${passwords[name]}\n`, { mode: 0o600 });
  const services = brokerUsersConfig(
    SERVICE_NAMES.map((service) => ({
      service,
      name: service,
      partitions: ['p0'],
      password: passwords[service],
    })),
  );
  const users = services.replace('users: [', `users: [ { user: admin, password: "${passwords.admin}" }`);
  const server = await startNats({ users });
  return {
    server,
    passwords,
    settings: (service) => ({ ASSAY_NATS_USER: service, ASSAY_NATS_PASSWORD_FILE: fileOf(service) }),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
