import { readFileSync } from 'node:fs';
import path from 'node:path';
import { AssayError } from '@assay/lib/errors';
import { wrong } from './options.ts';
import { stateFolder } from './state-folder.ts';

/** How the user said where Assay is: by flag, else by environment, else by the file that `assay local up` writes. */
export interface Where extends Named {
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly state?: string | undefined;
}

/** What one of the three says: addresses, or a cluster. */
interface Named {
  /** One address for both services. */
  readonly address?: string | undefined;
  readonly scheduler?: string | undefined;
  readonly reporter?: string | undefined;
  readonly kubeContext?: string | undefined;
  readonly kubeNamespace?: string | undefined;
  readonly kubeServiceAccount?: string | undefined;
}

export type Place =
  | { readonly type: 'addresses'; readonly scheduler: string; readonly reporter: string }
  /** Of a kubeconfig's context, the current one when none is named; Assay is in the namespace. */
  | { readonly type: 'cluster'; readonly context: string | undefined; readonly namespace: string };

/** What calls carry: a token, or the one that a service account (`[namespace/]name`) is given. */
export type Credential =
  | { readonly type: 'none' }
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'account'; readonly account: string };

const NAMESPACE = 'assay';

/** Throws INVALID_REQUEST when it is said wrongly or twice, UNAVAILABLE when nothing is said at all. */
export function whereIs(
  where: Where,
  env: NodeJS.ProcessEnv,
): { readonly place: Place; readonly credential: Credential } {
  const variables = fromEnv(env);
  const said = kindOf(where, 'the flags') ?? kindOf(variables, 'the environment');
  const named = said === 'cluster' || addressesOf(where, variables) !== null;
  const file = named ? null : clientFile(stateFolder(where.state, env));
  const layers = [where, variables, file ?? {}];
  const kind = said ?? kindOf(file ?? {}, 'the client file');
  const place = kind === 'cluster' ? clusterOf(layers) : whole(layers);
  return { place, credential: credentialOf(where, env, place, file) };
}

function fromEnv(env: NodeJS.ProcessEnv): Named {
  return {
    address: set(env['ASSAY_ADDRESS']),
    scheduler: set(env['ASSAY_SCHEDULER']),
    reporter: set(env['ASSAY_REPORTER']),
    kubeContext: set(env['ASSAY_KUBE_CONTEXT']),
    kubeNamespace: set(env['ASSAY_KUBE_NAMESPACE']),
    kubeServiceAccount: set(env['ASSAY_KUBE_SERVICE_ACCOUNT']),
  };
}

/** A variable that is set to nothing counts as not set. */
function set(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function kindOf(named: Named, source: string): Place['type'] | null {
  const cluster = named.kubeContext !== undefined || named.kubeNamespace !== undefined;
  const addresses = [named.address, named.scheduler, named.reporter].some((text) => text !== undefined);
  if (cluster && addresses)
    throw new AssayError(
      'INVALID_REQUEST',
      `${source} name both addresses and a cluster to forward ports from; leave one of them out`,
    );
  return cluster ? 'cluster' : addresses ? 'addresses' : null;
}

function clusterOf(layers: readonly Named[]): Place {
  const context = first(layers, ({ kubeContext }) => kubeContext);
  return {
    type: 'cluster',
    context,
    namespace: first(layers, ({ kubeNamespace }) => kubeNamespace) ?? NAMESPACE,
  };
}

function addressesOf(...layers: readonly Named[]): Place | null {
  const scheduler = first(layers, (named) => named.scheduler ?? named.address);
  const reporter = first(layers, (named) => named.reporter ?? named.address);
  if (scheduler === undefined || reporter === undefined) return null;
  return {
    type: 'addresses',
    scheduler: hostAndPort('--scheduler', scheduler),
    reporter: hostAndPort('--reporter', reporter),
  };
}

function whole(layers: readonly Named[]): Place {
  const place = addressesOf(...layers);
  if (place !== null) return place;
  throw new AssayError(
    'UNAVAILABLE',
    'no Assay is known here; `assay local up` starts one, or name one with --scheduler and --reporter, or a cluster with --kube-context',
  );
}

function first<T>(layers: readonly Named[], of: (named: Named) => T | undefined): T | undefined {
  return layers.map(of).find((value) => value !== undefined);
}

function hostAndPort(flag: string, address: string): string {
  if (/^(?:\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i.test(address)) return address;
  throw wrong(flag, `"${address}" is not host:port, such as 127.0.0.1:4000`);
}

function credentialOf(
  where: Where,
  env: NodeJS.ProcessEnv,
  place: Place,
  file: ClientFile | null,
): Credential {
  const flagged = where.token ?? textOf(where.tokenFile);
  if (flagged !== undefined && where.kubeServiceAccount !== undefined)
    throw wrong('--kube-service-account', 'gets a token of its own; leave --token and --token-file out');
  if (flagged !== undefined) return tokenOf(flagged);
  if (where.kubeServiceAccount !== undefined) return { type: 'account', account: where.kubeServiceAccount };
  const token = set(env['ASSAY_TOKEN']) ?? textOf(set(env['ASSAY_TOKEN_FILE']));
  if (token !== undefined) return tokenOf(token);
  const account = set(env['ASSAY_KUBE_SERVICE_ACCOUNT']) ?? file?.kubeServiceAccount;
  if (account !== undefined) return { type: 'account', account };
  // The file's token is for the services of the file, and for nobody else.
  const local = place.type === 'addresses' && place.scheduler === file?.scheduler;
  return local && place.reporter === file.reporter && file.token !== undefined
    ? tokenOf(file.token)
    : { type: 'none' };
}

function tokenOf(token: string): Credential {
  if (/^[\x20-\x7e]*$/.test(token)) return { type: 'token', token };
  throw wrong('--token', 'holds a character that no call can carry, such as a line break');
}

function textOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new AssayError('INVALID_REQUEST', `the token file ${file} cannot be read`, { cause: error });
  }
}

interface ClientFile extends Named {
  readonly token?: string;
}

/** What `assay local up` wrote, or a person in its place to name a cluster. */
function clientFile(state: string): ClientFile | null {
  const file = path.join(state, 'cli.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  const value = parsed(text);
  if (isClientFile(value)) return value;
  throw new AssayError('INVALID_REQUEST', `${file} is damaged; \`assay local up\` writes it anew`);
}

const LOCAL = ['scheduler', 'reporter', 'token'];
const CLUSTER = ['kubeContext', 'kubeNamespace', 'kubeServiceAccount'];

function isClientFile(value: unknown): value is ClientFile {
  if (typeof value !== 'object' || value === null) return false;
  const names = Object.keys(value);
  const texts = Object.values(value).every((text) => typeof text === 'string');
  const local = LOCAL.every((name) => names.includes(name));
  return texts && (local || (names.length > 0 && names.every((name) => CLUSTER.includes(name))));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
