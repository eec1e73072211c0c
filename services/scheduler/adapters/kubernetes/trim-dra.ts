import type { KubeObject } from '@assay/lib/kube';
import { versionOf, type Trimmed } from './trimmed.ts';

/** Of a ResourceSlice: the devices that a driver offers on a node. */
export interface DeviceSlice extends Trimmed {
  /** Empty for devices that are of no single node. */
  readonly node: string;
  readonly driver: string;
  readonly pool: string;
  readonly devices: readonly OfferedDevice[];
}

export interface OfferedDevice {
  readonly name: string;
  /** Texts and numbers by name; those of the driver's own domain without it. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Of a ResourceClaim: what it was given, and to whom it belongs. */
export interface HeldClaim extends Trimmed {
  /** `driver/pool/device` */
  readonly devices: readonly string[];
  /** The pod that it was made for; empty when it was made by hand. */
  readonly pod: string;
}

export function trimSlice(object: KubeObject): DeviceSlice {
  const { metadata, spec } = object as RawSlice;
  return {
    ...versionOf(metadata),
    node: spec?.nodeName ?? '',
    driver: spec?.driver ?? '',
    pool: spec?.pool?.name ?? '',
    devices: (spec?.devices ?? []).map(({ name, attributes = {} }) => ({
      name,
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([key, value]) => [
          key.replace(`${spec?.driver ?? ''}/`, ''),
          String(value.string ?? value.int ?? value.bool ?? value.version ?? ''),
        ]),
      ),
    })),
  };
}

export function trimClaim(object: KubeObject): HeldClaim {
  const { metadata, status } = object as RawClaim;
  const results = status?.allocation?.devices?.results ?? [];
  return {
    ...versionOf(metadata),
    devices: results.map(({ driver, pool, device }) => deviceId(driver, pool, device)),
    pod: metadata.ownerReferences?.find(({ kind }) => kind === 'Pod')?.name ?? '',
  };
}

export function deviceId(driver: string, pool: string, device: string): string {
  return `${driver}/${pool}/${device}`;
}

interface RawSlice extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly driver?: string;
    readonly pool?: { readonly name?: string };
    readonly devices?: readonly {
      readonly name: string;
      readonly attributes?: Readonly<Record<string, RawAttribute>>;
    }[];
  };
}

interface RawAttribute {
  readonly string?: string;
  readonly int?: number;
  readonly bool?: boolean;
  readonly version?: string;
}

interface RawClaim extends KubeObject {
  readonly status?: {
    readonly allocation?: {
      readonly devices?: {
        readonly results?: readonly {
          readonly driver: string;
          readonly pool: string;
          readonly device: string;
        }[];
      };
    };
  };
}
