/** Where something listens; `host` is a name or a number, without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`; a number of IPv6 stands in brackets. Null when it is none. */
export function readAddress(text: string): Address | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port < 1 || port > 65_535 ? null : { host, port };
}

export function showAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
