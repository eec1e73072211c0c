import { appendFileSync } from 'node:fs';
import { askGivenCluster, givenKubeconfig } from './given.ts';
import { whyNoClusterHere } from './machine.ts';
import { clusterEnv, runningCluster, type ClusterRecord } from './record.ts';
import { execute } from './execute.ts';
import path from 'node:path';

/** A cluster as the tests use it. */
export interface Cluster {
  readonly kubeconfig: string;
  /** The environment in which kubectl, helm and ctr are those of the cluster, and reach it. */
  readonly env: Readonly<Record<string, string>>;
  readonly nodes: readonly string[];
  /** What only the cluster of this machine has; null for one that KUBECONFIG gave. */
  readonly record: ClusterRecord | null;
  /** Where the API server writes who asked for what, one JSON event a line; null where that is not ours to read. */
  readonly auditLog: string | null;
  /** Runs kubectl; resolves with what it printed. @throws {Error} with what it complained about */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Runs a script of this folder: `devices.sh`, `volumes.sh`, `crds.sh`, `image.sh`. */
  script(name: string, ...args: readonly string[]): Promise<string>;
  /** Runs a command in a node's namespaces, as root. */
  inNode(node: string, command: readonly string[]): Promise<string>;
  /** Loads what `docker save` wrote, or an OCI archive, into every node. */
  loadImage(tar: string): Promise<void>;
}

/**
 * The cluster that is up. Where there is none: null, said on the console and in the file of ASSAY_NOT_RUN.
 *
 * @throws {Error} when there is none and ASSAY_REQUIRE names `cluster`
 */
export async function requireCluster(): Promise<Cluster | null> {
  const given = givenKubeconfig();
  if (given !== null) return givenCluster(given);
  const record = runningCluster();
  if (record !== null) return ownCluster(record);
  const why = whyNoClusterHere() ?? 'none is up: npm run cluster:up';
  if (process.env['ASSAY_REQUIRE']?.split(',').includes('cluster') === true)
    throw new Error(`ASSAY_REQUIRE wants a cluster, and there is none: ${why}`);
  const line = `everything on a Kubernetes cluster: ${why}`;
  console.log(`not run: ${line}`);
  const file = process.env['ASSAY_NOT_RUN'];
  if (file !== undefined) appendFileSync(file, `${line}\n`);
  return null;
}

function ownCluster(record: ClusterRecord): Cluster {
  const env = { ...inherited(), ...clusterEnv(record) };
  const script = (name: string, ...args: readonly string[]) =>
    execute([path.join(import.meta.dirname, name), ...args], env);
  return {
    kubeconfig: record.kubeconfig,
    env,
    nodes: record.nodes.map(({ name }) => name),
    record,
    auditLog: record.auditLog,
    kubectl: (args, input) => execute(['kubectl', ...args], env, input),
    script,
    inNode: (node, command) => script('in-node.sh', node, ...command),
    loadImage: async (tar) => {
      await script('load-image.sh', tar);
    },
  };
}

async function givenCluster(kubeconfig: string): Promise<Cluster> {
  const { nodes } = await askGivenCluster(kubeconfig);
  const env = inherited();
  const notOurs = (what: string) => () =>
    Promise.reject(new Error(`${what}: the cluster of KUBECONFIG is not ours`));
  const loader = process.env['ASSAY_CLUSTER_LOAD_IMAGE'];
  return {
    kubeconfig,
    env,
    nodes,
    record: null,
    auditLog: null,
    kubectl: (args, input) => execute(['kubectl', ...args], env, input),
    script: notOurs('scripts of test/cluster'),
    inNode: notOurs('a command in a node'),
    loadImage: async (tar) => {
      if (loader === undefined)
        throw new Error('ASSAY_CLUSTER_LOAD_IMAGE must name a command that loads a tar file into every node');
      await execute(['sh', '-c', `${loader} "$1"`, '-', tar], env);
    },
  };
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
