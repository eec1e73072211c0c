import { readFileSync } from 'node:fs';
import { passing } from '@assay/lib/errors';
import { call, connectRpc } from '@assay/lib/rpc';
import { ResultServiceClient } from '@assay/proto/assay/v1/result';
import type { Reporter } from '../ports.ts';

const DEADLINE_MS = 15 * 60_000;

/** The reporter over gRPC, with one token for ever or what a file holds at each call. */
export function grpcReporter(
  address: string,
  secret: { readonly token: string | undefined; readonly tokenFile: string | undefined },
): Reporter & { close(): void } {
  const { tokenFile } = secret;
  const token = tokenFile === undefined ? secret.token : () => tokenIn(tokenFile);
  const client = connectRpc(ResultServiceClient, address, token === undefined ? {} : { token });
  return {
    async finalize({ job, plan, counts, endedAt, provenance }, signal) {
      const { target } = job.spec;
      await call(
        client,
        'finalize',
        {
          jobId: job.id,
          partition: job.partition,
          epoch: job.scoringEpoch,
          plan,
          counts: counts.map(({ task, samples, scores }) => ({
            task,
            samples: BigInt(samples),
            scores: BigInt(scores),
          })),
          model: target.model,
          serverKind: target.type === 'catalog' ? 'local' : 'external',
          endpoint: target.type === 'endpoint' ? target.baseUrl : '',
          seed: BigInt(job.spec.seed),
          startTime: job.createdAt,
          endTime: endedAt,
          provenance: { ...provenance },
        },
        { deadlineMs: DEADLINE_MS, signal },
      );
    },
    close: () => client.close(),
  };
}

function tokenIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw passing('UNAVAILABLE', `our token for the reporter cannot be read from ${file}`, error);
  }
}
