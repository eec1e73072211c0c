import { readFileSync } from 'node:fs';
import path from 'node:path';
import { AssayError } from '@assay/lib/errors';
import { connectRpc } from '@assay/lib/rpc';
import { CatalogServiceClient } from '@assay/proto/assay/v1/catalog';
import { JobServiceClient } from '@assay/proto/assay/v1/job';
import { ResultServiceClient } from '@assay/proto/assay/v1/result';
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

export function connect(where: Where, env: NodeJS.ProcessEnv): Clients {
  const file = clientFile(stateFolder(where.state, env));
  const scheduler = where.scheduler ?? env['ASSAY_SCHEDULER'] ?? file?.scheduler;
  const reporter = where.reporter ?? env['ASSAY_REPORTER'] ?? file?.reporter;
  if (scheduler === undefined || reporter === undefined) {
    throw new AssayError(
      'UNAVAILABLE',
      'no Assay is known here; `assay local up` starts one, or name one with --scheduler and --reporter',
    );
  }
  const token = tokenOf(where, env) ?? file?.token;
  const settings = token === undefined ? {} : { token };
  const jobs = connectRpc(JobServiceClient, scheduler, settings);
  const catalog = connectRpc(CatalogServiceClient, scheduler, settings);
  const results = connectRpc(ResultServiceClient, reporter, settings);
  return {
    jobs,
    catalog,
    results,
    close() {
      for (const client of [jobs, catalog, results]) client.close();
    },
  };
}

function tokenOf(where: Where, env: NodeJS.ProcessEnv): string | undefined {
  if (where.token !== undefined) return where.token;
  const file = where.tokenFile ?? (env['ASSAY_TOKEN'] === undefined ? env['ASSAY_TOKEN_FILE'] : undefined);
  if (file === undefined) return env['ASSAY_TOKEN'];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new AssayError('INVALID_REQUEST', `the token file ${file} cannot be read`, { cause: error });
  }
}

function clientFile(
  state: string,
): { readonly scheduler: string; readonly reporter: string; readonly token: string } | null {
  let text: string;
  try {
    text = readFileSync(path.join(state, 'cli.json'), 'utf8');
  } catch {
    return null;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return null;
  const { scheduler, reporter, token }: { scheduler?: unknown; reporter?: unknown; token?: unknown } = value;
  if (typeof scheduler !== 'string' || typeof reporter !== 'string' || typeof token !== 'string') return null;
  return { scheduler, reporter, token };
}
