import type { Clock } from '@assay/lib/clock';
import type { Log } from '@assay/lib/log';
import type { NodeRoom } from '../../place/fit.ts';
import type { Anchor } from './pod/render.ts';
import type { Reflector } from './reflector.ts';
import type { Server } from './server.ts';
import type { ServerObjects } from './server-objects.ts';
import type { ServerPods } from './server-pods.ts';
import type { Operator } from './servers-file.ts';
import type { BatchJob } from './trim-job.ts';
import { weightsOf } from './weights-seen.ts';

/** What looking after model servers needs of the world. */
export interface ServerContext {
  readonly pods: ServerPods;
  readonly jobs: Pick<Reflector<BatchJob>, 'get'>;
  readonly rooms: () => readonly NodeRoom[];
  readonly objects: ServerObjects;
  readonly operator: Operator;
  readonly anchor: Anchor;
  readonly clock: Clock;
  readonly log: Log;
}

/** The job that fetches a server's weights; one that had failed before the server was asked for is of no account. */
export function weightsFor({ operator, pods, jobs }: ServerContext, server: Server, node: string) {
  const seen = weightsOf(server.plan, operator, node, { pods, jobs });
  const stale = seen?.state === 'failed' && Date.parse(seen.endedAt ?? '') < Date.parse(server.askedAt);
  return { seen: stale ? null : seen, stale: stale ? seen : null };
}
