import path from 'node:path';
import { commonShape, loadConfig, settings, type Given } from '@assay/lib/config';
import type { Violation } from '@assay/lib/domain';
import { identityShape, identityTogether } from '@assay/lib/identity';

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;

/** Needed where model servers are processes of this machine. */
const localShape = {
  /** Holds endpoint keys; shared with the runners only. */
  SECRETS_DIR: settings.folder.optional(),
  /** Where Assay lies, and where models were fetched to: `{home}` and `{models}` in the catalog's command lines. */
  HOME_DIR: settings.folder.optional(),
  MODELS_DIR: settings.folder.optional(),
  /** Local model servers write their logs here. */
  SERVERS_DIR: settings.folder.optional(),
};

/** Needed, or of use, where they are pods. */
const kubernetesShape = {
  /** What the operator decides of model servers: namespace, images, weights, caches. */
  SERVERS_FILE: settings.folder.optional(),
  /** A kubeconfig; a pod uses its service account without one. */
  KUBECONFIG: settings.text.optional(),
  /** Of the scheduler itself: its Lease and its epoch are there. By default that of the credentials. */
  NAMESPACE: settings.name.optional(),
  /** Requests a second to the Kubernetes API, and at once after a quiet time; the Lease has a lane of its own. */
  KUBE_QPS: settings.count.default(20),
  KUBE_BURST: settings.count.default(30),
};

/** Every setting of the scheduler, with its default; the environment is read here and nowhere else. */
export function readConfig(env: NodeJS.ProcessEnv) {
  const read = loadConfig(
    'scheduler',
    {
      ...commonShape,
      ...identityShape,
      /** Address of the reporter's gRPC, host:port. */
      REPORTER: settings.text,
      /** A file with our own token for the reporter, which the kubelet renews. */
      REPORTER_TOKEN_FILE: settings.text.optional(),
      CATALOG_DIR: settings.folder,
      /** Files that change those of the catalog, or add to them. */
      CATALOG_OVERLAY: settings.folder.optional(),
      /** Where model servers run: processes of this machine, or pods. */
      CLUSTER: settings.cluster.default('local'),
      ...localShape,
      ...kubernetesShape,
      /** Threads of a local model server: `{threads}`; 0 means one for each core, at most four. */
      SERVER_THREADS: settings.integer.default(0),
      GENERATIONS_BYTES: settings.bytes.default(1024 * MIB),
      SCORES_BYTES: settings.bytes.default(512 * MIB),
      /** Room of the blob store, where it is the broker's. */
      BLOB_STORE_BYTES: settings.bytes.default(2048 * MIB),
      /** Copies that the broker keeps of each stream. */
      NATS_REPLICAS: settings.integer.default(1),
      /** Model servers that run on this machine at once. */
      LOCAL_SLOTS: settings.integer.default(1),
      /** A model server that no job uses is stopped after this. */
      SERVER_IDLE: settings.duration.default(10 * MINUTE_MS),
      RETENTION: settings.duration.default(24 * 60 * MINUTE_MS),
      /** A cancelled job's subjects are purged at once, and after this again: by then late workers have stored theirs. */
      PURGE_AGAIN: settings.duration.default(MINUTE_MS),
      WINDOW_SHARDS: settings.integer.default(32),
      /** Requests in flight that an endpoint may be sent; the runner finds the right number below it. */
      ENDPOINT_CEILING: settings.integer.default(256),
      START_TIMEOUT: settings.duration.default(10 * MINUTE_MS),
      SERVER_LOST_AFTER: settings.duration.default(10 * MINUTE_MS),
      SCORE_STALL: settings.duration.default(20_000),
      FINALIZE_TIMEOUT: settings.duration.default(15 * MINUTE_MS),
      BUNDLE_BYTES: settings.bytes.default(256 * MIB),
      BUNDLE_FILES: settings.integer.default(10_000),
      RECEIVE_BYTES: settings.bytes.default(4 * MIB),
    },
    env,
    (given) => [
      ...forCluster(given.get('CLUSTER') ?? 'local', given),
      ...identityTogether(given, 'REPORTER_TOKEN_FILE'),
    ],
  );
  return { ...read, tasksDir: path.join(read.CATALOG_DIR, 'tasks'), serverEnv: serverEnv(env) };
}

function forCluster(cluster: string, given: Given): readonly Violation[] {
  const needed = cluster === 'kubernetes' ? ['SERVERS_FILE'] : Object.keys(localShape);
  const idle = Object.keys(cluster === 'kubernetes' ? localShape : kubernetesShape);
  return [
    ...needed
      .filter((name) => !given.has(name))
      .map((name) => ({ field: `ASSAY_${name}`, message: 'is missing' })),
    ...idle
      .filter((name) => given.has(name))
      .map((name) => ({ field: `ASSAY_${name}`, message: `means nothing with ASSAY_CLUSTER=${cluster}` })),
  ];
}

// A model server sees what it needs to run, and none of our settings or tokens.
function serverEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ'];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
