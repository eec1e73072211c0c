import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real kube-apiserver and its etcd on loopback: everything of the API, no nodes, no controllers. */
export interface KubeServer {
  readonly url: string;
  /** Of an administrator. */
  readonly kubeconfig: string;
  /** A kubeconfig for the token of somebody else. */
  kubeconfigFor(token: string): Promise<string>;
  stop(): Promise<void>;
}

/** The folder of the cluster's programs: `ASSAY_KUBE_PROGRAMS`, else the newest that `npm run cluster:up` built; null without. */
export function kubePrograms(env: NodeJS.ProcessEnv = process.env): string | null {
  const named = env['ASSAY_KUBE_PROGRAMS'];
  if (named !== undefined && named !== '') return named;
  const cache = path.join(env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'assay-cluster');
  if (!existsSync(cache)) return null;
  const built = readdirSync(cache)
    .map((name) => path.join(cache, name))
    .find((folder) => existsSync(path.join(folder, 'complete')));
  return built ?? null;
}

/** Whether the API server can be started; says so loudly when not, and throws where the cluster is required. */
export function canRunKubeServer(): boolean {
  if (kubePrograms() !== null) return true;
  const why = 'kube-apiserver: its programs are not built; npm run cluster:up builds them';
  if ((process.env['ASSAY_REQUIRE'] ?? '').split(',').includes('cluster')) throw new Error(why);
  console.warn(`NOT RUN: ${why}`);
  const file = process.env['ASSAY_NOT_RUN'];
  if (file !== undefined) appendFileSync(file, `${why}\n`);
  return false;
}

const START_MS = 60_000;
const STOP_MS = 10_000;
const ADMIN_TOKEN = 'admin-of-a-test';

export async function startKubeServer(): Promise<KubeServer> {
  const programs = kubePrograms();
  if (programs === null) throw new Error('the programs of the cluster are not built');
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-kube-'));
  const children: ChildProcess[] = [];
  const output: string[] = [];
  const start = (program: string, ...args: string[]) => {
    const child = spawn(path.join(programs, program), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output.push(chunk.toString());
        if (output.length > 200) output.shift();
      });
    const reap = () => child.kill('SIGKILL');
    process.once('exit', reap);
    child.once('exit', () => process.off('exit', reap));
    return child;
  };
  const stop = async () => {
    await Promise.all(children.toReversed().map(end));
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };

  try {
    const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
    const etcd = `http://127.0.0.1:${client}`;
    start(
      'etcd',
      `--data-dir=${folder}/etcd`,
      `--listen-client-urls=${etcd}`,
      `--advertise-client-urls=${etcd}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
      '--unsafe-no-fsync',
      '--log-level=error',
    );
    const keys = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'sec1', format: 'pem' },
    });
    await writeFile(`${folder}/sa.key`, keys.privateKey, { mode: 0o600 });
    await writeFile(`${folder}/sa.pub`, keys.publicKey);
    await writeFile(`${folder}/tokens.csv`, `${ADMIN_TOKEN},admin,admin,"system:masters"\n`);
    const server = start(
      'kube-apiserver',
      `--etcd-servers=${etcd}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      `--cert-dir=${folder}/certs`,
      `--token-auth-file=${folder}/tokens.csv`,
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${folder}/sa.key`,
      `--service-account-key-file=${folder}/sa.pub`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--disable-admission-plugins=ServiceAccount', // no controller makes the default account
    );
    const url = `https://127.0.0.1:${port}`;
    const kubeconfigFor = async (token: string) => {
      const file = path.join(folder, `kubeconfig-${token.slice(-12)}`);
      const cluster = { server: url, 'certificate-authority': `${folder}/certs/apiserver.crt` };
      const config = {
        clusters: [{ name: 'c', cluster }],
        users: [{ name: 'u', user: { token } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      };
      await writeFile(file, JSON.stringify(config), { mode: 0o600 });
      return file;
    };
    await ready(url, server, output);
    return { url, kubeconfig: await kubeconfigFor(ADMIN_TOKEN), kubeconfigFor, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(url: string, server: ChildProcess, output: readonly string[]): Promise<void> {
  const { get } = await import('node:https');
  const asks = () =>
    new Promise<boolean>((resolve) => {
      const request = get(`${url}/readyz`, { rejectUnauthorized: false, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.once('error', () => resolve(false));
    });
  const until = performance.now() + START_MS;
  while (performance.now() < until) {
    if (server.exitCode !== null) throw new Error(`kube-apiserver ended:\n${output.join('')}`);
    if (await asks()) return;
    await sleep(100);
  }
  throw new Error(`kube-apiserver was not ready in time:\n${output.join('')}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exit;
  clearTimeout(late);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
    });
  });
}
