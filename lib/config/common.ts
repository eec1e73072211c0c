import { settings } from './settings.ts';

/** Settings that every service has. */
export const commonShape = {
  /** The broker, such as nats://127.0.0.1:4222. */
  NATS_URL: settings.text,
  NATS_TOKEN: settings.text.optional(),
  /** Folder of the blob store, shared by all services. */
  BLOB_DIR: settings.folder,
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
