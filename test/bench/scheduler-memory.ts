import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bringUp, takeDown } from '../cluster/bring-up.ts';
import { requireCluster, type Cluster } from '../cluster/cluster.ts';
import { execute } from '../cluster/execute.ts';
import { CHART } from '../support/chart.ts';
import { othersPod } from '../support/load-pods.ts';
import { startNats } from '../support/nats.ts';
import { HOME } from '../support/stack.ts';
import { rssMib } from './processes.ts';

const NODES = 500;
const PODS = 5_000;
const NAMESPACE = 'assay-bench';
/** Where the others' pods are. */
const LOAD = 'assay-load';
const WATCHED_S = 60;
const START_LIMIT_MS = 60_000;
const FILL_LIMIT_MS = 300_000;
const LOG = 'scheduler.log';
/** As the chart starts it. */
const FLAGS = ['--max-semi-space-size=2', '--heap-growing-percent=10', '--max-old-space-size=320'];
const RATE = { qps: 20, burst: 30 };

/**
 * The scheduler's process on a cluster of 5,000 pods on 500 fake nodes, of which a few change each second, and the same
 * process on the same cluster while that is empty: resident memory in MiB, and how late its event loop is in milliseconds.
 */
export async function run(): Promise<{ figures: Record<string, number>; ratios: Record<string, number> }> {
  const { started } = await bringUp(new AbortController().signal);
  try {
    const cluster = await requireCluster();
    if (cluster === null) throw new Error('there is no cluster');
    return await measure(cluster);
  } finally {
    if (started) await takeDown(new AbortController().signal);
  }
}

async function measure(cluster: Cluster) {
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-scheduler-'));
  const nats = await startNats();
  try {
    const kubeconfig = await install(cluster, folder);
    const site = { cluster, folder, kubeconfig, natsUrl: nats.url };
    const idle = await watched(site, async () => undefined);
    console.error(`empty cluster: ${JSON.stringify(idle)}`);
    await cluster.script('devices.sh', 'kwok', String(NODES), 'tenstorrent.com/n150=4');
    await fill(cluster);
    console.error(`${NODES} nodes and ${PODS} pods are there`);
    const full = await watched(site, () => change(cluster));
    return {
      figures: {
        pods: PODS,
        nodes: NODES,
        kube_qps: RATE.qps,
        kube_burst: RATE.burst,
        rss_mib_idle: idle.rssMib,
        rss_mib_full: full.rssMib,
        start_s_idle: idle.startS,
        start_s_full: full.startS,
        loop_delay_p99_ms_idle: idle.p99Ms,
        loop_delay_p99_ms_full: full.p99Ms,
        loop_delay_max_ms_idle: idle.maxMs,
        loop_delay_max_ms_full: full.maxMs,
      },
      ratios: { rss_full_vs_idle: full.rssMib / idle.rssMib },
    };
  } finally {
    await cluster.script('devices.sh', 'kwok', '0');
    await cluster.kubectl(['delete', 'namespace', LOAD, '--wait=false', '--ignore-not-found']);
    await execute(
      ['helm', 'uninstall', 'assay', '--namespace', NAMESPACE, '--ignore-not-found'],
      cluster.env,
    );
    await nats.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Site {
  readonly cluster: Cluster;
  readonly folder: string;
  /** As the chart's account for the scheduler. */
  readonly kubeconfig: string;
  readonly natsUrl: string;
}

/** The chart without its pods: the scheduler's rights, its anchors and the fence of its epoch. */
async function install(cluster: Cluster, folder: string): Promise<string> {
  const at = ['--namespace', NAMESPACE, '--create-namespace', '--set', 'monitoring.enabled=false'];
  await execute(['helm', 'install', 'assay', CHART, ...at], cluster.env);
  for (const namespace of [NAMESPACE, `${NAMESPACE}-sandboxes`])
    await cluster.kubectl(['scale', 'deployment,statefulset', '--all', '--replicas=0', '-n', namespace]);
  await cluster.kubectl(['create', 'namespace', LOAD]);
  const token = await cluster.kubectl([
    'create',
    'token',
    'assay-scheduler',
    '-n',
    NAMESPACE,
    '--duration=2h',
  ]);
  const config = JSON.parse(await cluster.kubectl(['config', 'view', '--raw', '-o', 'json'])) as {
    readonly users: readonly { readonly name: string }[];
  };
  const users = config.users.map(({ name }) => ({ name, user: { token: token.trim() } }));
  const file = path.join(folder, 'kubeconfig');
  await writeFile(file, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return file;
}

interface Watched {
  /** The most that it held, its start included. */
  readonly rssMib: number;
  readonly startS: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** A scheduler's life: its start, then a minute during which `meanwhile` runs again and again. */
async function watched(site: Site, meanwhile: () => Promise<void>): Promise<Watched> {
  const { folder } = site;
  const startedAt = performance.now();
  const { child, ops } = await startScheduler(site);
  let rss = 0;
  let going = true;
  const sampling = (async () => {
    for (; going; await sleep(200)) rss = Math.max(rss, await rssMib(child.pid));
  })();
  try {
    const address = await ops;
    while (!(await isReady(address))) {
      if (performance.now() - startedAt > START_LIMIT_MS)
        throw new Error(`the scheduler is not ready: ${await readFile(path.join(folder, LOG), 'utf8')}`);
      await sleep(200);
    }
    const startS = (performance.now() - startedAt) / 1_000;
    let [p99Ms, maxMs] = [0, 0];
    for (const until = performance.now() + WATCHED_S * 1_000; performance.now() < until;) {
      await Promise.all([meanwhile(), sleep(1_000)]);
      const lag = await lagOf(address);
      p99Ms = Math.max(p99Ms, lag.p99Ms);
      maxMs = Math.max(maxMs, lag.maxMs);
    }
    return { rssMib: rss, startS, p99Ms, maxMs };
  } finally {
    going = false;
    await sampling;
    if (child.exitCode === null) {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
    }
  }
}

async function startScheduler({
  cluster,
  folder,
  kubeconfig,
  natsUrl,
}: Site): Promise<{ readonly child: ChildProcess; readonly ops: Promise<string> }> {
  const servers = path.join(folder, 'servers.yaml');
  await mkdir(path.join(folder, 'blobs'), { recursive: true });
  const operator = {
    namespace: `${NAMESPACE}-servers`,
    anchor: 'assay-anchor',
    service_image: 'assay/service:0.1.0',
    service_account: 'assay-model-server',
    weights: { storage: { node_cache: '/var/lib/weights' } },
    cache: { empty_dir: '1Gi' },
  };
  await writeFile(servers, JSON.stringify(operator));
  const announced = path.join(folder, 'scheduler.json');
  await rm(announced, { force: true });
  const log = await open(path.join(folder, LOG), 'a');
  const settings = {
    NATS_URL: natsUrl,
    BLOB_DIR: path.join(folder, 'blobs'),
    TOKEN: 'a token of this bench alone, which nobody else has',
    REPORTER: '127.0.0.1:1',
    CATALOG_DIR: path.join(HOME, 'catalog'),
    CLUSTER: 'kubernetes',
    SERVERS_FILE: servers,
    KUBECONFIG: kubeconfig,
    NAMESPACE,
    KUBE_QPS: String(RATE.qps),
    KUBE_BURST: String(RATE.burst),
    ANNOUNCE_FILE: announced,
  };
  const env = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`ASSAY_${key}`, value]));
  const program = path.join(HOME, 'services/scheduler/main.ts');
  const child = spawn(process.execPath, [...FLAGS, program], {
    env: { PATH: cluster.env['PATH'] ?? '', HOME: cluster.env['HOME'] ?? '/', ...env },
    stdio: ['ignore', log.fd, log.fd],
  });
  child.once('exit', () => void log.close());
  const ops = (async () => {
    for (;;) {
      const text = await readFile(announced, 'utf8').catch(() => '');
      if (text !== '') return (JSON.parse(text) as { readonly ops: string }).ops;
      if (child.exitCode !== null)
        throw new Error(`the scheduler ended: ${await readFile(path.join(folder, LOG), 'utf8')}`);
      await sleep(100);
    }
  })();
  return { child, ops };
}

async function isReady(address: string): Promise<boolean> {
  return (await fetch(`http://${address}/readyz`)).ok;
}

/** How late the event loop was since this was asked last: monitorEventLoopDelay's histogram, as prom-client tells it. */
async function lagOf(address: string): Promise<{ readonly p99Ms: number; readonly maxMs: number }> {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  const ms = (name: string) => {
    const found = new RegExp(`nodejs_eventloop_lag_${name}_seconds(?:{[^}]*})? ([\\d.e+-]+)`).exec(text);
    if (found === null) throw new Error(`no nodejs_eventloop_lag_${name}_seconds is exposed`);
    return Number(found[1]) * 1_000;
  };
  return { p99Ms: ms('p99'), maxMs: ms('max') };
}

function podOf(n: number): object {
  return othersPod(`pod-${n}`, `kwok-${n % NODES}`);
}

async function fill(cluster: Cluster): Promise<void> {
  const chunks = Array.from({ length: 20 }, (_, chunk) => chunk);
  const lane = async () => {
    for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
      const items = Array.from({ length: PODS / 20 }, (_, i) => podOf((chunk ?? 0) * (PODS / 20) + i));
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
      await cluster.kubectl(['create', '-n', LOAD, '-f', '-'], list);
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  const running = async () => {
    const phase = ['--field-selector=status.phase=Running', '-o', 'name'];
    const said = await cluster.kubectl(['get', 'pods', '-n', LOAD, ...phase]);
    return said.split('\n').filter((line) => line !== '').length;
  };
  for (const until = performance.now() + FILL_LIMIT_MS; (await running()) < PODS; await sleep(2_000))
    if (performance.now() > until) throw new Error(`only ${await running()} pods run`);
}

/** Some pods change each second, as pods of a busy cluster do. */
async function change(cluster: Cluster): Promise<void> {
  const names = Array.from({ length: 20 }, () => `pod-${Math.floor(Math.random() * PODS)}`);
  const label = `at=${String(Date.now())}`;
  await cluster.kubectl(['label', '--overwrite', 'pod', '-n', LOAD, ...names, label]);
}
