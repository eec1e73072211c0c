import type { Model } from '@assay/lib/catalog';
import type { ModelTarget } from '@assay/lib/domain';
import type { Cluster, Secrets } from '../ports.ts';

export interface Lead {
  readonly epoch: number;
  /** Aborts when another scheduler may lead. */
  readonly lost: AbortSignal;
  /** The cluster whose servers the leader looks after. */
  readonly cluster: Cluster;
}

export interface ElectionOptions {
  readonly holder: string;
  /** The highest epoch that anything stored carries. */
  readonly stored: () => number;
  readonly lead: (lead: Lead) => Promise<void>;
}

/** Where model servers run, where keys of endpoints are kept, and how one of several schedulers comes to lead. */
export interface Home {
  readonly secrets: Secrets;
  /** The text of a secret: an endpoint's key, or that of a server of ours. Null when there is none. */
  readonly key: (name: string) => Promise<string | null>;
  /** Runners ask for keys; otherwise they read them where we put them. */
  readonly answersKeys: boolean;
  /** Devices on which a model can be served here. */
  readonly devicesOf: (model: Model) => readonly string[];
  /** What a target's server is made of: two targets with the same share one. Throws when it cannot be served here. */
  readonly makingOf: (target: ModelTarget) => unknown;
  election(options: ElectionOptions): { step(stop: AbortSignal): Promise<number>; leads(): boolean };
  close(): Promise<void>;
}
