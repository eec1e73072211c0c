import { isIP } from 'node:net';
import { readAddress, showAddress, type Address } from '@assay/lib/config';

/** What a submission must not reach. */
export interface Forbidden {
  readonly addresses: readonly Address[];
  /** Names that it must not look up. */
  readonly names: readonly string[];
  /** Addresses of name servers. */
  readonly resolvers: readonly string[];
  /** Paths of sockets. */
  readonly sockets: readonly string[];
  /** Files and folders that it must not read. */
  readonly paths: readonly string[];
}

export interface Surroundings {
  /** What the pod must not reach either. */
  readonly targets: readonly Address[];
  readonly natsUrl: string;
  /** As `dns.getServers` has them: a number, with a port when it is not 53. */
  readonly resolvers: readonly string[];
  /** host:port of our own servers. */
  readonly own: readonly string[];
  /** Numbers of this pod. */
  readonly interfaces: readonly string[];
  readonly execSocket: string | undefined;
  /** What else lies where this process runs, as far as there is any. */
  readonly paths: readonly (string | undefined)[];
}

const NATS_PORT = 4222;
const METADATA: Address = { host: '169.254.169.254', port: 80 };
const SECRETS = [
  '/var/run/secrets/kubernetes.io/serviceaccount/token',
  '/proc/1/environ',
  '/proc/1/mem',
  '/proc/1/fd',
  '/proc/1/root/',
  '/proc/self/environ',
  '/proc/net/tcp',
  '/etc/passwd',
  '/etc/resolv.conf',
  '/tmp',
];

/** All that the pod must not reach, and what only the agent may. */
export function forbiddenTo(surroundings: Surroundings): Forbidden {
  const { targets, natsUrl, resolvers, own, interfaces, execSocket } = surroundings;
  const ports = own.map((address) => Number(address.split(':').at(-1)));
  const here = ['127.0.0.1', '::1', ...interfaces];
  const addresses = [
    ...targets,
    METADATA,
    ...brokers(natsUrl),
    ...here.flatMap((host) => ports.map((port) => ({ host, port }))),
  ];
  const sockets = execSocket === undefined ? [] : [execSocket];
  return {
    addresses: [...new Map(addresses.map((address) => [showAddress(address), address])).values()],
    names: [...new Set(addresses.map(({ host }) => host).filter((host) => isIP(host) === 0))],
    resolvers: resolvers.map((resolver) => readAddress(resolver)?.host ?? resolver),
    sockets,
    paths: [...SECRETS, ...sockets.map(folderOf), ...surroundings.paths.filter((path) => path !== undefined)],
  };
}

function brokers(urls: string): Address[] {
  return urls.split(',').flatMap((text) => {
    const { hostname, port } = new URL(text.includes('://') ? text : `nats://${text}`);
    const host = hostname.replace(/^\[|\]$/g, '');
    return [{ host, port: port === '' ? NATS_PORT : Number(port) }];
  });
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}
