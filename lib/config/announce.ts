import { rename, writeFile } from 'node:fs/promises';

export interface Announcement {
  readonly service: string;
  readonly pid: number;
  readonly startedAt: string;
  /** host:port of the gRPC server, for services that have one. */
  readonly rpc?: string;
  /** host:port of /metrics, /livez and /readyz. */
  readonly ops: string;
}

/** Writes where a service answers; a reader sees the whole file or none. */
export async function announce(file: string | undefined, value: Announcement): Promise<void> {
  if (file === undefined) return;
  const temporary = `${file}.${value.pid}.new`;
  await writeFile(temporary, JSON.stringify(value), { mode: 0o600 });
  await rename(temporary, file);
}
