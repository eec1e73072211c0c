import path from 'node:path';
import { connect, Events, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectBus, LEADER, SERVICE_NAMES, WORKERS, type ServiceName } from '@assay/lib/bus';
import { JobState } from '@assay/proto/assay/v1/job';
import { startGuardedBroker, type GuardedBroker } from '../support/broker-users.ts';
import { mixedTasks } from '../support/mixed-tasks.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startStack, uploadFiles, type Stack } from '../support/stack.ts';
import { generation, log } from './bus-fixture.ts';

const mixed = mixedTasks({ generate: 30, choices: 10, code: 10, repeated: 4 });
const LARGE = [
  { mode: 'huge', match: 'generate 1', bytes: 300_000 },
  { mode: 'huge', match: 'code', bytes: 400_000 },
] as const;

let broker: GuardedBroker;
let server: ModelServer;
let stack: Stack;

beforeAll(async () => {
  broker = await startGuardedBroker();
  server = await startModelServer({
    scriptModule: path.join(import.meta.dirname, '../support/fault-answers.ts'),
    behaviour: { faults: LARGE },
  });
  const settings = (service: ServiceName) => ({ ...broker.settings(service), ASSAY_BLOB_STORE: 'nats' });
  stack = await startStack({
    broker: { url: broker.server.url, token: undefined },
    extra: Object.fromEntries(SERVICE_NAMES.map((service) => [service, settings(service)])),
  });
}, 120_000);

afterAll(async () => {
  await stack?.stop();
  await server?.stop();
  await broker?.stop();
});

describe('a broker that knows a user for each service, and keeps the blobs', () => {
  it('lets a job succeed, and refuses nothing that a service needs', { timeout: 120_000 }, async () => {
    const bundle = await uploadFiles(stack, mixed.files);
    const tasks = mixed.tasks.map((name) => ({ name, genKwargsJson: '' }));
    const target = {
      $case: 'endpoint' as const,
      value: { baseUrl: server.url, model: 'scripted', apiKey: '' },
    };
    const { id } = await stack.submit({ requestId: 'guarded', target, tasks, bundle });
    const job = await stack.finished(id, 90_000);
    expect(job, `${job.reason}: ${job.detail}`).toMatchObject({ state: JobState.SUCCEEDED });
    expect(job.detail).toContain(`all ${mixed.scores} scores once`);
    for (const name of SERVICE_NAMES) {
      const lines = await stack.logs(name);
      expect(lines).not.toMatch(/PERMISSIONS_VIOLATION|refuses the inbox/);
      for (const password of Object.values(broker.passwords)) expect(lines).not.toContain(password);
    }
  });
});

const GENERATION = 'assay.p0.generations.score.forged.t.0.0.0';

describe('the broker', () => {
  it.each<[ServiceName, string, string]>([
    ['sandbox', 'a generation', GENERATION],
    ['sandbox', 'a shard', 'assay.p0.shards.forged.t.0'],
    ['sandbox', 'an answer of a stage', '$KV.assay_stages.forged.check'],
    ['sandbox', 'a model server', '$KV.assay_servers.forged'],
    ['sandbox', 'the end of all blobs', '$JS.API.STREAM.PURGE.OBJ_assay_blobs'],
    ['sandbox', 'another one’s items', '$JS.API.CONSUMER.MSG.NEXT.WORK_p0.prepare'],
    ['sandbox', 'a score of another partition', 'assay.p1.scores.0.forged.t.0.0.0'],
    ['runner', 'a score', 'assay.p0.scores.0.forged.t.0.0.0'],
    ['runner', 'the lead', '$KV.assay_leader.scheduler'],
    ['runner', 'a shard', 'assay.p0.shards.forged.t.0'],
    ['runner', 'a job', '$KV.assay_jobs.forged'],
    ['reporter', 'a job', '$KV.assay_jobs.forged'],
    ['reporter', 'a generation', GENERATION],
    ['reporter', 'a score', 'assay.p0.scores.0.forged.t.0.0.0'],
    ['reporter', 'a blob', '$O.assay_blobs.M.forged'],
    ['reporter', 'the end of a ledger', '$JS.API.STREAM.DELETE.SCORES_p0'],
    ['scheduler', 'a generation', GENERATION],
    ['scheduler', 'a score', 'assay.p0.scores.0.forged.t.0.0.0'],
    ['sandbox', 'another one’s inbox', '_INBOX_runner.answer'],
    ['sandbox', 'an answer that is a blob as it is', '$JS.API.DIRECT.GET.OBJ_assay_blobs'],
  ])('refuses the %s %s', async (user, _what, subject) => {
    const admin = await as('admin');
    const heard = { messages: 0 };
    admin.subscribe(subject, { callback: () => (heard.messages += 1) });
    await admin.flush();
    const nc = await as(user);
    const refusal = nextError(nc);
    nc.publish(subject, '{}');
    expect(await refusal).toEqual({
      type: Events.Error,
      data: 'PERMISSIONS_VIOLATION',
      permissionContext: { operation: 'publish', subject },
    });
    await Promise.all([nc.flush(), admin.flush()]);
    expect(heard.messages).toBe(0);
    await Promise.all([nc.close(), admin.close()]);
  });

  it.each<[ServiceName, string]>([
    ['sandbox', '_INBOX_runner.>'],
    ['runner', '_INBOX.>'],
    ['reporter', '>'],
    ['sandbox', 'assay.p0.>'],
  ])('does not let the %s listen to %s', async (user, subject) => {
    const nc = await as(user);
    const refusal = nextError(nc);
    nc.subscribe(subject, { callback: () => undefined });
    expect(await refusal).toMatchObject({
      data: 'PERMISSIONS_VIOLATION',
      permissionContext: { operation: 'subscription', subject },
    });
    await nc.close();
  });

  // The broker does not ask who may write where its answer goes: see docs/architecture.md.
  it('has no answer that could pass for an entry where it is sent to a ledger', async () => {
    const [nc, admin] = await Promise.all([as('sandbox'), as('admin')]);
    const manager = await admin.jetstreamManager();
    await nc.request('$O.assay_blobs.C.forged', JSON.stringify(generation({ job: 'forged' })));
    const question = JSON.stringify({ last_by_subj: '$O.assay_blobs.C.forged' });
    nc.publish('$JS.API.STREAM.MSG.GET.OBJ_assay_blobs', question, { reply: GENERATION });
    await expect.poll(() => stored(manager, GENERATION)).toBe(true);
    const bus = await connectBus({ url: broker.server.url, name: 'test', log, login: login('sandbox') });
    await expect(bus.generations('p0').get(GENERATION)).rejects.toThrow('cannot be read');
    await Promise.all([bus.close(), nc.close(), admin.close()]);
  });

  it('tells the bus at once, as a fault that trying again cannot help', async () => {
    const bus = await connectBus({ url: broker.server.url, name: 'test', log, login: login('sandbox') });
    const forbidden = { reason: 'UNAUTHENTICATED', permanent: true };
    const begin = performance.now();
    await expect(bus.generations('p0').store(generation())).rejects.toMatchObject(forbidden);
    await expect(bus.kv(LEADER).create('scheduler', { holder: 'me' })).rejects.toMatchObject(forbidden);
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect(await bus.kv(WORKERS).get('nobody')).toBeNull();
    await bus.close();
  });

  it('refuses a wrong password, and says whose', async () => {
    const { passwordFile } = login('runner');
    const wrong = { url: broker.server.url, name: 'test', log, login: { user: 'sandbox', passwordFile } };
    await expect(connectBus(wrong)).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
      message: expect.stringContaining('refuses user sandbox or its password'),
    });
    const nowhere = { ...wrong, login: { user: 'sandbox', passwordFile: '/nowhere/password' } };
    await expect(connectBus(nowhere)).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      message: expect.stringContaining('/nowhere/password'),
    });
  });
});

function login(service: ServiceName) {
  return { user: service, passwordFile: broker.settings(service)['ASSAY_NATS_PASSWORD_FILE'] ?? '' };
}

function as(user: ServiceName | 'admin'): Promise<NatsConnection> {
  const { server: nats, passwords } = broker;
  return connect({ servers: nats.url, user, pass: passwords[user], inboxPrefix: `_INBOX_${user}` });
}

async function stored(manager: JetStreamManager, subject: string): Promise<boolean> {
  const { state } = await manager.streams.info('GENERATIONS_p0', { subjects_filter: subject });
  return state.subjects?.[subject] !== undefined;
}

async function nextError(nc: NatsConnection): Promise<unknown> {
  for await (const status of nc.status()) if (status.type === Events.Error) return status;
  return null;
}
