import { readFileSync } from 'node:fs';
import path from 'node:path';
import { AssayError } from '@assay/lib/errors';
import { connectRpc } from '@assay/lib/rpc';
import { CatalogServiceClient } from '@assay/proto/assay/v1/catalog';
import { JobServiceClient } from '@assay/proto/assay/v1/job';
import { ResultServiceClient } from '@assay/proto/assay/v1/result';
import { wrong } from './options.ts';
import { stateFolder } from './state-folder.ts';

/** How the user said where Assay is: by flag, else by environment, else by the file that `assay local up` writes. */
export interface Where {
  readonly scheduler?: string | undefined;
  readonly reporter?: string | undefined;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly state?: string | undefined;
}

export interface Clients {
  readonly jobs: JobServiceClient;
  readonly catalog: CatalogServiceClient;
  readonly results: ResultServiceClient;
  close(): void;
}

/** Clients of the services that are named; nothing is sent yet. A variable that is set to nothing counts as not set. */
export function connect(where: Where, env: NodeJS.ProcessEnv): Clients {
  const scheduler = where.scheduler ?? set(env['ASSAY_SCHEDULER']);
  const reporter = where.reporter ?? set(env['ASSAY_REPORTER']);
  const named = scheduler !== undefined && reporter !== undefined;
  const file = named ? null : clientFile(stateFolder(where.state, env));
  const at = {
    scheduler: addressOf('--scheduler', scheduler ?? file?.scheduler),
    reporter: addressOf('--reporter', reporter ?? file?.reporter),
  };
  // The file's token is for the services of the file, and for nobody else.
  const local = at.scheduler === file?.scheduler && at.reporter === file.reporter ? file.token : undefined;
  const token = tokenOf(where, env) ?? local;
  if (token !== undefined && !/^[\x20-\x7e]*$/.test(token))
    throw wrong('--token', 'holds a character that no call can carry, such as a line break');
  const settings = token === undefined ? {} : { token };
  const jobs = connectRpc(JobServiceClient, at.scheduler, settings);
  const catalog = connectRpc(CatalogServiceClient, at.scheduler, settings);
  const results = connectRpc(ResultServiceClient, at.reporter, settings);
  return {
    jobs,
    catalog,
    results,
    close() {
      for (const client of [jobs, catalog, results]) client.close();
    },
  };
}

function addressOf(flag: string, address: string | undefined): string {
  if (address === undefined)
    throw new AssayError(
      'UNAVAILABLE',
      'no Assay is known here; `assay local up` starts one, or name one with --scheduler and --reporter',
    );
  if (/^(?:\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i.test(address)) return address;
  throw wrong(flag, `"${address}" is not host:port, such as 127.0.0.1:4000`);
}

function tokenOf(where: Where, env: NodeJS.ProcessEnv): string | undefined {
  if (where.token !== undefined) return where.token;
  const token = set(env['ASSAY_TOKEN']);
  const file = where.tokenFile ?? (token === undefined ? set(env['ASSAY_TOKEN_FILE']) : undefined);
  if (file === undefined) return token;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new AssayError('INVALID_REQUEST', `the token file ${file} cannot be read`, { cause: error });
  }
}

function set(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function clientFile(
  state: string,
): { readonly scheduler: string; readonly reporter: string; readonly token: string } | null {
  const file = path.join(state, 'cli.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  const value = parsed(text);
  if (typeof value === 'object' && value !== null) {
    const { scheduler, reporter, token }: { scheduler?: unknown; reporter?: unknown; token?: unknown } =
      value;
    if (typeof scheduler === 'string' && typeof reporter === 'string' && typeof token === 'string')
      return { scheduler, reporter, token };
  }
  throw new AssayError('INVALID_REQUEST', `${file} is damaged; \`assay local up\` writes it anew`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
