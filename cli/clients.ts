import { openUserCluster } from '@assay/lib/kube';
import { connectRpc } from '@assay/lib/rpc';
import { CatalogServiceClient } from '@assay/proto/assay/v1/catalog';
import { JobServiceClient } from '@assay/proto/assay/v1/job';
import { ResultServiceClient } from '@assay/proto/assay/v1/result';
import { accountTokens, reach } from './cluster.ts';
import { whereIs, type Where } from './where.ts';

export interface Clients {
  readonly jobs: JobServiceClient;
  readonly catalog: CatalogServiceClient;
  readonly results: ResultServiceClient;
  /** What a call threw, or why, where the way to the services knows better. */
  explain(error: unknown): unknown;
  close(): void;
}

/** Clients of the services, over ports that are forwarded where they are in a cluster. */
export async function connect(where: Where, env: NodeJS.ProcessEnv): Promise<Clients> {
  const { place, credential } = whereIs(where, env);
  const context = place.type === 'cluster' ? place.context : undefined;
  const needed = place.type === 'cluster' || credential.type === 'account';
  const cluster = needed ? await openUserCluster(context) : null;
  const closers: (() => void)[] = [];
  const close = () => {
    for (const one of closers.toReversed()) one();
  };
  try {
    const source =
      cluster !== null && credential.type === 'account'
        ? await accountTokens(cluster, credential.account)
        : null;
    if (source !== null) closers.push(source.close);
    const reached =
      cluster !== null && place.type === 'cluster' ? await reach(cluster, place.namespace) : null;
    if (reached !== null) closers.push(reached.close);
    const at = place.type === 'addresses' ? place : reached;
    if (at === null) throw new Error('a place without addresses');
    const token = credential.type === 'token' ? credential.token : source?.token;
    const settings = token === undefined ? {} : { token };
    const jobs = connectRpc(JobServiceClient, at.scheduler, settings);
    const catalog = connectRpc(CatalogServiceClient, at.scheduler, settings);
    const results = connectRpc(ResultServiceClient, at.reporter, settings);
    closers.push(() => [jobs, catalog, results].forEach((client) => client.close()));
    return { jobs, catalog, results, explain: (error) => reached?.explain(error) ?? error, close };
  } catch (error) {
    close();
    throw error;
  }
}
