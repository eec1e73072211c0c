import { readFileSync } from 'node:fs';
import path from 'node:path';
import { identityOf } from '../../scripts/setup/lock.mjs';

/** Where the cluster lives on this machine: there is one for all checkouts, for its addresses are fixed. */
export const STATE = process.env['ASSAY_CLUSTER_STATE'] || '/var/lib/assay-cluster';

export interface ClusterNode {
  readonly name: string;
  readonly address: string;
  readonly podCidr: string;
  /** The node's process 1, as this machine numbers it. */
  readonly init: { readonly pid: number; readonly startTime: string };
}

/** What boot.sh wrote down of a cluster that it brought up. */
export interface ClusterRecord {
  readonly checkout: string;
  readonly version: string;
  readonly programs: string;
  readonly kubeconfig: string;
  readonly auditLog: string;
  readonly containerd: string;
  readonly kubectlCache: string;
  /** Where a pod reaches this machine; a server must listen on it. */
  readonly host: string;
  readonly apiServer: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly nodes: readonly ClusterNode[];
}

/** The cluster of this machine, or null when none is up. */
export function runningCluster(state = STATE): ClusterRecord | null {
  const record = read(path.join(state, 'cluster.json'));
  const lives = ({ init }: ClusterNode) => identityOf(init.pid)?.startTime === init.startTime;
  return record !== null && record.nodes.every(lives) ? record : null;
}

/** What the cluster's clients take from the environment. */
export function clusterEnv(record: ClusterRecord): Record<string, string> {
  return {
    KUBECONFIG: record.kubeconfig,
    PATH: `${record.programs}:${process.env['PATH'] ?? ''}`,
    KUBECACHEDIR: record.kubectlCache,
    CONTAINERD_ADDRESS: record.containerd,
    CONTAINERD_NAMESPACE: 'k8s.io',
  };
}

function read(file: string): ClusterRecord | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ClusterRecord;
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'EACCES'].includes(String(error.code)))
      return null;
    throw error;
  }
}
