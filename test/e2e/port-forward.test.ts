import { request } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openUserCluster, type Forward } from '@assay/lib/kube';
import { requireCluster, type Cluster } from '../cluster/cluster.ts';
import { assayProcess } from '../support/assay-process.ts';
import { loadNodeImage } from './node-image.ts';

const found = await requireCluster();
const cluster = found as Cluster; // nothing below runs without one
const NAMESPACE = 'forward-test';
const BACKEND = { namespace: NAMESPACE, labels: 'app.kubernetes.io/component=scheduler', port: 'grpc' };
/** Says who it is, and gives back what it is sent. */
const SERVE = `require('http').createServer((q, r) => { r.writeHead(200, { pod: require('os').hostname() }); q.pipe(r) }).listen(7070)`;

const k = (args: readonly string[], input?: string) =>
  cluster.kubectl(['--namespace', NAMESPACE, ...args], input);

describe.skipIf(found === null)('ports of a cluster', () => {
  let image = '';
  let folder = '';
  const open: Forward[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'assay-forward-'));
    image = await loadNodeImage(cluster);
    await cluster.kubectl(['create', 'namespace', NAMESPACE]);
    await k(['create', 'serviceaccount', 'looker']);
    await k(['create', 'role', 'looker', '--verb=list', '--resource=pods']);
    await k(['create', 'rolebinding', 'looker', '--role=looker', `--serviceaccount=${NAMESPACE}:looker`]);
  }, 180_000);
  beforeEach(() => void vi.stubEnv('KUBECONFIG', cluster.kubeconfig));
  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const forward of open.splice(0)) forward.close();
    await k(['delete', 'pods', '--all', '--grace-period=0', '--force', '--wait']);
  });
  afterAll(async () => {
    await cluster.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false', '--ignore-not-found']);
    await rm(folder, { recursive: true, force: true });
  });

  const pod = (name: string, script = SERVE) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, labels: { 'app.kubernetes.io/component': 'scheduler' } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'main',
          image,
          imagePullPolicy: 'Never',
          args: ['-e', script],
          ports: [
            { name: 'ops', containerPort: 8080 },
            { name: 'grpc', containerPort: 7070 },
          ],
          readinessProbe: { httpGet: { path: '/', port: 7070 }, periodSeconds: 1 },
        },
      ],
    },
  });
  const apply = (...pods: readonly object[]) =>
    k(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods }));
  const ready = (name: string) => k(['wait', '--for=condition=Ready', '--timeout=60s', `pod/${name}`]);
  const forward = async (): Promise<Forward> => {
    const opened = await (await openUserCluster(undefined)).forward(BACKEND);
    open.push(opened);
    return opened;
  };
  /** A kubeconfig of a service account that may list pods, and no more. */
  const lookersConfig = async (): Promise<string> => {
    const token = await k(['create', 'token', 'looker']);
    const config = JSON.parse(
      await cluster.kubectl(['config', 'view', '--raw', '--minify', '--output=json']),
    ) as {
      users: { user: object }[];
    };
    for (const entry of config.users) entry.user = { token };
    const file = path.join(folder, 'looker');
    await writeFile(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  };

  it('carries both ways, many connections and much at once', { timeout: 120_000 }, async () => {
    await apply(pod('one'));
    await ready('one');
    const { address } = await forward();
    const large = Buffer.alloc(8 * 1024 * 1024, 'x');
    const answers = await Promise.all([
      ask(address, large),
      ask(address),
      ask(address, Buffer.from('small')),
    ]);
    expect(answers.map(({ pod: name }) => name)).toEqual(['one', 'one', 'one']);
    expect(answers.map(({ bytes }) => bytes)).toEqual([large.length, 0, 5]);
  });

  it('goes to pods that are ready, and to another when one goes', { timeout: 180_000 }, async () => {
    await apply(pod('first'), pod('silent', 'setInterval(() => {}, 1e6)'));
    await ready('first');
    const { address } = await forward();
    for (let tries = 0; tries < 5; tries += 1) expect((await ask(address)).pod).toBe('first');
    await apply(pod('next'));
    await ready('next');
    await k(['delete', 'pod', 'first', '--wait']);
    const next = () =>
      ask(address).then(
        (answer) => answer.pod,
        () => null,
      );
    await expect.poll(next, { timeout: 60_000 }).toBe('next');
  });

  it('says what is missing: the pods, a ready one, a right, the context', { timeout: 180_000 }, async () => {
    const user = await openUserCluster(undefined);
    await expect(user.forward(BACKEND)).rejects.toThrow(
      `namespace "${NAMESPACE}" has no pod with app.kubernetes.io/component=scheduler`,
    );
    await apply(pod('silent', 'setInterval(() => {}, 1e6)'));
    await expect(user.forward(BACKEND)).rejects.toThrow(/none of 1 pod\(s\) .* is ready/);
    await apply(pod('one'));
    await ready('one');
    await expect(openUserCluster('nowhere')).rejects.toThrow(
      'the kubeconfig has no context "nowhere"; it has ',
    );
    vi.stubEnv('KUBECONFIG', await lookersConfig());
    const looker = await forward();
    await expect(ask(looker.address)).rejects.toThrow();
    expect(looker.fault()).toMatchObject({ reason: 'CLUSTER_FORBIDDEN' });
    expect(looker.fault()?.message).toContain('you may not create pods/portforward "one"');
  });

  it('fail in the command line for the reason that the cluster gave', { timeout: 120_000 }, async () => {
    const assay = (env: Record<string, string>, ...args: string[]) =>
      assayProcess(['jobs', ...args], { KUBECONFIG: cluster.kubeconfig, ASSAY_STATE: folder, ...env }).ended;
    expect(await assay({}, '--kube-namespace', NAMESPACE)).toMatchObject({
      code: 3,
      err: expect.stringMatching(/the scheduler cannot be reached: .* has no pod .*--kube-namespace names/),
    });
    expect(await assay({ ASSAY_KUBE_CONTEXT: 'nowhere' })).toMatchObject({
      code: 2,
      err: expect.stringContaining('has no context "nowhere"'),
    });
    const gone = path.join(folder, 'gone');
    const config = await cluster.kubectl(['config', 'view', '--raw', '--minify', '--output=json']);
    await writeFile(gone, config.replaceAll(/https:\/\/[^"]+/g, 'https://127.0.0.1:1'));
    expect(await assay({ KUBECONFIG: gone }, '--kube-namespace', NAMESPACE)).toMatchObject({
      code: 3,
      err: expect.stringMatching(
        /API server cannot be reached.*CLUSTER_UNAVAILABLE.*\n.*kubectl cluster-info/,
      ),
    });
  });
});

interface Answer {
  readonly pod: string;
  readonly bytes: number;
}

function ask(address: string, body = Buffer.alloc(0)): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `http://${address}/`,
      { method: 'POST', agent: false, timeout: 30_000 },
      (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => (bytes += chunk.length));
        response.on('end', () => resolve({ pod: String(response.headers['pod']), bytes }));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.end(body);
  });
}
