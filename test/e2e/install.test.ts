import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireCluster, type Cluster } from '../cluster/cluster.ts';
import { execute } from '../cluster/execute.ts';
import type { Ended } from '../support/assay-process.ts';
import { dockerEngine, type DockerEngine } from '../support/docker.ts';
import type { Hub } from '../support/hub.ts';
import {
  demoHub,
  helm,
  loadImages,
  NAMESPACE,
  oneScheduler,
  SANDBOXES,
  SERVERS,
  tenant,
  valuesOf,
  type ClaimMode,
} from '../support/installation.ts';
import { jobProgress, rowsOf, submitMixed } from '../support/mixed-job.ts';
import { deleteOneOfEach, DELETED } from '../support/pod-deletions.ts';
import { withoutTimes } from '../support/report-text.ts';
import { asked, canList, granted, unused } from '../support/rights.ts';
import { HOME } from '../support/stack.ts';
import { loadScriptedServer } from './node-image.ts';

// One boot, one installation: what a platform team and its users do, from the first command to the last.
const found = await requireCluster();
const engine = found?.record == null ? null : await dockerEngine('an installation with pods', ['mmdebstrap']);
const cluster = found as Cluster; // nothing below runs without one
const TASKS = ['demo_generate', 'demo_choices', 'demo_code'];
/** Server-side apply needs it for what is not there yet, and is written down as a patch. */
const APPLIED = 'applied';
/** Rights that this course of things does not call for, and what does. */
const UNUSED: Readonly<Record<string, string>> = {
  'assay-scheduler create configmaps assay-e2e': APPLIED,
  'assay-scheduler create configmaps assay-e2e-servers': APPLIED,
  'assay-scheduler create jobs.batch assay-e2e-servers': APPLIED,
  'assay-scheduler create pods assay-e2e-servers': APPLIED,
  'assay-scheduler create resourceclaimtemplates.resource.k8s.io assay-e2e-servers': APPLIED,
  'assay-scheduler create secrets assay-e2e-servers': APPLIED,
  'assay-scheduler create leases.coordination.k8s.io assay-e2e': 'somebody deleted the Lease',
  'assay-scheduler get pods assay-e2e-servers': 'what is removed has changed meanwhile',
  'assay-scheduler get jobs.batch assay-e2e-servers': 'what is removed has changed meanwhile',
  'assay-scheduler delete jobs.batch assay-e2e-servers': 'weights that could not be fetched',
  'assay-scheduler delete configmaps assay-e2e-servers': 'a server is stopped when it was idle for long',
  'assay-scheduler delete resourceclaimtemplates.resource.k8s.io assay-e2e-servers':
    'a server is stopped when it was idle for long',
};
const LONG = { timeout: 420_000 };

type Assay = (...args: readonly string[]) => Promise<Ended>;
interface Results {
  readonly results: Readonly<Record<string, Readonly<Record<string, number | string>>>>;
}

describe.skipIf(found === null || engine === null)('an installation', () => {
  let hub: Hub;
  let alice: Assay;
  let bob: Assay;
  let demo: Results['results'];
  let job = '';
  let scripted = '';
  const began = performance.now();
  let last = began;
  const step = (what: string) => {
    const now = performance.now();
    console.log(
      `${what}: ${((now - last) / 1_000).toFixed(0)} s, ${((now - began) / 1_000).toFixed(0)} s in all`,
    );
    last = now;
  };

  beforeAll(async () => {
    await execute(['env', '-C', HOME, process.execPath, 'scripts/demo.mjs'], cluster.env);
    demo = await lastDemo();
    step('npm run demo');
    await loadImages(cluster, engine as DockerEngine);
    step('images built and loaded');
    await cluster.script('volumes.sh', '4', '120Gi', 'install');
    await cluster.script('devices.sh', 'extended', cluster.nodes[1] ?? '', 'tenstorrent.com/n150', '2');
    scripted = await loadScriptedServer(cluster);
    hub = await demoHub();
    alice = await tenant(cluster, 'team-a');
    bob = await tenant(cluster, 'team-b');
  }, 600_000);

  afterAll(async () => {
    await hub?.close();
    await engine?.stop();
  });

  async function done(assay: Assay, ...args: readonly string[]): Promise<string> {
    const { code, out, err } = await assay(...args);
    expect({ code, err }, out).toEqual({ code: 0, err: '' });
    return out;
  }

  async function runs(claim: string): Promise<void> {
    const args = [
      'submit',
      '--model',
      'smollm2-135m-instruct',
      '--device',
      'n150',
      '--tasks',
      TASKS.join(','),
    ];
    const said = await done(alice, ...args, '--request-id', claim, '--no-watch', '--json');
    ({ id: job } = JSON.parse(said) as { id: string });
    const { code, out } = await alice('watch', job);
    expect(code, out).toBe(0);
    console.log(await done(alice, 'job', job));
    const { results } = JSON.parse(await done(alice, 'report', job, '--format', 'json')) as Results;
    for (const task of TASKS) expect({ task, ...results[task] }).toEqual({ task, ...demo[task] });
  }

  it('is made by helm install, and ready', LONG, async () => {
    const said = await helm(cluster, 'install', valuesOf(hub, 'extended_resource', scripted));
    expect(said).toContain('assay submit');
    step('helm install');
  });

  it(
    'runs a job from outside on a model-server pod with a counted board, and scores as the demo does',
    LONG,
    async () => {
      await runs('counted');
      step('job on tenstorrent.com/n150');
    },
  );

  it('tells another tenant nothing of it', LONG, async () => {
    expect(await bob('job', job)).toMatchObject({ code: 1, err: expect.stringContaining('NOT_FOUND') });
    expect(await bob('report', job)).toMatchObject({ code: 1, err: expect.stringContaining('NOT_FOUND') });
    expect(await bob('cancel', job)).toMatchObject({ code: 1, err: expect.stringContaining('NOT_FOUND') });
    expect(await done(bob, 'jobs')).toBe('no jobs\n');
    step('two tenants');
  });

  it('keeps its walls: what the sandbox pod and a submission tried', LONG, async () => {
    const rows = await wallsOf();
    console.table(rows);
    expect(new Set(rows.map(({ from }) => from))).toEqual(new Set(['pod', 'submission']));
    step('walls');
  });

  it('passes helm test', LONG, async () => {
    const said = await execute(
      ['helm', 'test', 'assay', '--namespace', NAMESPACE, '--timeout', '120s'],
      cluster.env,
    );
    expect(said).toContain('Succeeded');
    step('helm test');
  });

  it(
    'loses nothing and does nothing twice when a pod of each service, the model server and NATS is deleted',
    { timeout: 900_000 },
    async () => {
      const undisturbed = await submitMixed(alice, 'undisturbed');
      expect(await alice('watch', undisturbed.id)).toMatchObject({ code: 0 });
      step(`${undisturbed.samples} samples undisturbed`);
      const disturbed = await submitMixed(alice, 'disturbed');
      expect(await deleteOneOfEach(cluster, () => jobProgress(alice, disturbed.id), 350)).toEqual(DELETED);
      expect(await alice('watch', disturbed.id)).toMatchObject({ code: 0 });
      const [whole, again] = [await rowsOf(alice, undisturbed), await rowsOf(alice, disturbed)];
      const about = await done(alice, 'job', disturbed.id, '--json');
      console.log(
        `one pod of each deleted: ${DELETED.join(', ')}; ${disturbed.samples} samples, ${again.rows.length} rows, ` +
          `duplicates ${again.duplicates}, missing ${whole.rows.length - again.rows.length}`,
      );
      expect(about).toContain(`all ${disturbed.scores} scores once`);
      expect(again.duplicates).toBe(0);
      expect(again.rows).toEqual(whole.rows);
      const report = async (id: string) =>
        withoutTimes(await done(alice, 'report', id, '--format', 'json')).replaceAll(id, '(job)');
      expect(await report(disturbed.id)).toBe(await report(undisturbed.id));
      step('the same with one pod of each deleted');
    },
  );

  it('runs the same by a DRA claim', LONG, async () => {
    await cluster.script('devices.sh', 'dra', cluster.nodes[0] ?? '');
    await helm(cluster, 'upgrade', valuesOf(hub, 'dra' satisfies ClaimMode, scripted));
    await oneScheduler(cluster);
    await runs('claimed');
    const claims = await cluster.kubectl(['get', 'resourceclaims', '-n', SERVERS, '-o', 'name']);
    expect(claims).toContain('resourceclaim');
    step('job by a DRA claim');
  });

  it('was granted the rights that it used in all of this, and no others', LONG, async () => {
    const { allowed, forbidden } = await asked(cluster.auditLog ?? '', NAMESPACE);
    const rights = await granted(cluster, NAMESPACE);
    console.log(await canList(cluster, [NAMESPACE, SERVERS, SANDBOXES]));
    // What the epoch's policy refused, a probe of it, was asked for too.
    const used = new Set([...allowed, ...forbidden]);
    const real = new Set([...rights].filter((right) => !right.includes(' jobs.assay '))); // of reviews, by no kind
    console.log(
      [...real]
        .toSorted()
        .map((right) => `${right}: ${used.has(right) ? 'used' : (UNUSED[right] ?? '')}`)
        .join('\n'),
    );
    console.log(`refused: ${[...forbidden].toSorted().join(', ')}`);
    expect(unused(real, used).filter((right) => !(right in UNUSED))).toEqual([]);
    expect([...forbidden]).toEqual([`assay-scheduler patch configmaps ${NAMESPACE}`]);
    step('rights');
  });

  it('is uninstalled but for its volumes and namespaces', LONG, async () => {
    await execute(['helm', 'uninstall', 'assay', '--namespace', NAMESPACE, '--wait'], cluster.env);
    await expect.poll(leftovers, { timeout: 90_000, interval: 1_000 }).toEqual([]);
    step('helm uninstall');
  });
});

/** What the walls' self-test tried, from the log of the agent that takes work. */
async function wallsOf(): Promise<readonly { readonly from: string }[]> {
  const log = await cluster.kubectl(['logs', '-n', SANDBOXES, 'deploy/assay-sandbox', '-c', 'agent']);
  const said = log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { readonly walls?: readonly { readonly from: string }[] });
  return said.findLast(({ walls }) => walls !== undefined)?.walls ?? [];
}

/** Everything that uninstalling should have taken along. */
async function leftovers(): Promise<readonly string[]> {
  const kinds = 'pods,jobs,secrets,configmaps,services,deployments,statefulsets,resourceclaims';
  const lists = await Promise.all(
    [NAMESPACE, SERVERS, SANDBOXES].map((namespace) =>
      cluster.kubectl(['get', kinds, '-n', namespace, '-o', 'name']),
    ),
  );
  return lists
    .flatMap((list) => list.split('\n'))
    .filter((name) => name !== '' && name !== 'configmap/kube-root-ca.crt');
}

async function lastDemo(): Promise<Results['results']> {
  const reports = path.join(HOME, '.assay/reports');
  const files = (await readdir(reports, { recursive: true })).filter((name) =>
    /results_.*\.json$/.test(name),
  );
  const newest = files.toSorted((a, b) => (path.basename(a) < path.basename(b) ? -1 : 1)).at(-1) ?? '';
  return (JSON.parse(await readFile(path.join(reports, newest), 'utf8')) as Results).results;
}
