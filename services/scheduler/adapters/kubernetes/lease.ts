import { type Call, isStatus, type KubeClient, type KubeObject, LEASES, type Place } from '@assay/lib/kube';

export interface LeaseRecord {
  /** Empty when nobody holds it. */
  readonly holder: string;
  readonly durationMs: number;
  /** `leaseTransitions`: one more for each leader. */
  readonly epoch: number;
  /** When the holder became it, in wall-clock milliseconds; for people only. */
  readonly acquiredAt: number;
}

export interface StoredLease extends LeaseRecord {
  readonly version: string;
}

/** One Lease, changed by compare-and-set. */
export interface LeaseStore {
  read(call: Call): Promise<StoredLease | null>;
  /** The new version, when what is there still has `version` (null: when nothing is there); else null, nothing is written. */
  write(record: LeaseRecord, version: string | null, nowMs: number, call: Call): Promise<string | null>;
}

export function kubeLease(
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>,
  at: Required<Place>,
): LeaseStore {
  return {
    async read(call) {
      const found = await client.get(LEASES, at, call);
      return found === null ? null : recordOf(found);
    },
    async write(record, version, nowMs, call) {
      const object = {
        metadata: { ...at, ...(version === null ? {} : { resourceVersion: version }) },
        spec: {
          holderIdentity: record.holder,
          leaseDurationSeconds: Math.ceil(record.durationMs / 1_000),
          leaseTransitions: record.epoch,
          acquireTime: microTime(record.acquiredAt),
          renewTime: microTime(nowMs),
        },
      };
      try {
        const stored = await (version === null
          ? client.create(LEASES, at.namespace, object, call)
          : client.replace(LEASES, object, call));
        return stored.metadata.resourceVersion ?? '';
      } catch (error) {
        // Somebody else changed, made or deleted it first.
        if (isStatus(error, 409) || (version !== null && isStatus(error, 404))) return null;
        throw error;
      }
    },
  };
}

function recordOf({ metadata, spec = {} }: RawLease): StoredLease {
  return {
    holder: spec.holderIdentity ?? '',
    durationMs: (spec.leaseDurationSeconds ?? 0) * 1_000,
    epoch: spec.leaseTransitions ?? 0,
    acquiredAt: Date.parse(spec.acquireTime ?? '') || 0,
    version: metadata.resourceVersion ?? '',
  };
}

/** RFC 3339 with six digits, as a MicroTime must be. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

interface RawLease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly leaseTransitions?: number;
    readonly acquireTime?: string;
  };
}
