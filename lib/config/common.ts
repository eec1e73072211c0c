import type { Violation } from '../domain/index.ts';
import { atMostOne, bothOrNone, exactlyOne, type Given } from './together.ts';
import { settings } from './settings.ts';

/** Settings that every service has. */
export const commonShape = {
  /** The broker, such as nats://127.0.0.1:4222. */
  NATS_URL: settings.text,
  NATS_TOKEN: settings.text.optional(),
  /** Instead of a token: a user, and a file that holds its password and is read for every connection. */
  NATS_USER: settings.name.optional(),
  NATS_PASSWORD_FILE: settings.text.optional(),
  /** Folder of the blob store, shared by all services. */
  BLOB_DIR: settings.folder.optional(),
  /** Instead of a folder: `nats`, an object store of the broker. */
  BLOB_STORE: settings.blobStore.optional(),
  LOG_LEVEL: settings.level.default('info'),
  LOG_PRETTY: settings.flag.optional(),
  HOST: settings.text.default('127.0.0.1'),
  /** /metrics, /livez and /readyz; 0 takes any free port. */
  OPS_PORT: settings.port.default(0),
  /** gRPC; 0 takes any free port. */
  RPC_PORT: settings.port.default(0),
  /** What every RPC must carry, and what this service sends to others. */
  TOKEN: settings.text.optional(),
  /** Where the addresses are written once the service serves. */
  ANNOUNCE_FILE: settings.text.optional(),
  /** Tests only: a folder in which crash points are armed. */
  CRASH_POINT: settings.folder.optional(),
  /** From SIGTERM until what is in hand is given up. */
  GRACE: settings.duration.default(8_000),
  PARTITIONS: settings.list.default(['p0']),
} as const;

/** What is wrong with the names of these that are given. */
export function commonTogether(given: Given): readonly Violation[] {
  return [
    ...exactlyOne('BLOB_DIR', 'BLOB_STORE', given),
    ...atMostOne('NATS_TOKEN', 'NATS_USER', given),
    ...bothOrNone('NATS_USER', 'NATS_PASSWORD_FILE', given),
  ];
}

interface BrokerSettings {
  readonly NATS_URL: string;
  readonly NATS_TOKEN?: string | undefined;
  readonly NATS_USER?: string | undefined;
  readonly NATS_PASSWORD_FILE?: string | undefined;
}

interface Broker {
  readonly url: string;
  readonly token?: string;
  readonly login?: { readonly user: string; readonly passwordFile: string };
}

/** How these settings reach the broker. */
export function brokerOf(config: BrokerSettings): Broker {
  const { NATS_URL: url, NATS_TOKEN: token, NATS_USER: user, NATS_PASSWORD_FILE: passwordFile } = config;
  if (user !== undefined && passwordFile !== undefined) return { url, login: { user, passwordFile } };
  return { url, ...(token !== undefined && { token }) };
}
