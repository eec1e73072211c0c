import { call, connectRpc } from '@assay/lib/rpc';
import { ExecuteStatus, SandboxServiceClient, type ExecuteRequest } from '@assay/proto/assay/v1/sandbox';
import { WORKERS } from '@assay/lib/bus';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CODE, codeDoc, generation, MATH, preparedDoc } from './sandbox-builders.ts';
import { PARTITION, Stage } from './sandbox-support.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => await stage.close());

const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const RIGHT = 'def add(a, b):\n    return a + b';

describe('scores', () => {
  it('each document once, when all its repeats are there', async () => {
    const sandbox = await stage.sandbox();
    const docs = await stage.putDocs(
      't',
      { ...MATH, repeats: 2 },
      numbers(50).map((doc) => preparedDoc(doc)),
    );
    const first = numbers(50).map((doc) => generation({ job: 'repeats', doc, docs, repeat: 0 }));
    await stage.store(...first);
    await sleep(300);
    expect(await stage.scores('repeats', 0)).toEqual([]);
    await stage.store(...first.map((entry) => ({ ...entry, repeat: 1 })));
    const scores = await stage.scores('repeats', 50);
    expect(scores).toHaveLength(50);
    expect(scores[7]).toMatchObject({
      repeat: 'all',
      hashes: { doc: 'd7' },
      outcome: { status: 'scored', metrics: { 'exact_match,none': 1 }, filtered: { none: '7' } },
      promptTokens: 20,
      completionTokens: 6,
    });
    expect(await sandbox.end('SIGTERM')).toBe(0);
  });

  it('code by running it, each sample once; faults and poison without end', async () => {
    const sandbox = await stage.sandbox();
    const docs = await stage.putDocs(
      't',
      CODE,
      numbers(6).map((doc) => codeDoc(doc)),
    );
    const answers = [
      RIGHT,
      'def add(a, b):\n    return a - b',
      'import os\nos._exit(0)',
      `${RIGHT}\n# ${'x'.repeat(400_000)}`,
      '\0\ud800',
    ];
    await stage.store(
      ...answers.map((text, doc) => generation({ job: 'code', doc, docs, kind: 'execute' }, text)),
      generation(
        { job: 'code', doc: 5, docs, kind: 'execute' },
        {
          ok: false,
          fault: { reason: 'SERVER_LOST', detail: 'gone', attempts: 4 },
        },
      ),
    );
    const scores = await stage.scores('code', 6);
    const outcomes = await Promise.all(
      scores.map(async ({ outcome }) =>
        'blob' in outcome ? JSON.parse(Buffer.from(await stage.blob.get(outcome.blob)).toString()) : outcome,
      ),
    );
    expect(outcomes.map((outcome) => outcome.verdict?.status ?? outcome.fault?.reason)).toEqual([
      'AC',
      'WA',
      'RE',
      'AC',
      'CE',
      'SERVER_LOST',
    ]);
    expect(outcomes.map((outcome) => outcome.metrics?.['pass,code'])).toEqual([1, 0, 0, 1, 0, undefined]);
    expect(scores[3]?.outcome).toHaveProperty('blob');
    expect(await sandbox.metrics()).toMatch(/assay_sandbox_executions_total\{status="AC"\} 2/);
    expect(await sandbox.metrics()).toMatch(
      /assay_sandbox_jail_info\{[^}]*landlock="\d+"[^}]*allowed=""\} 1/,
    );
    expect(await sandbox.end('SIGTERM')).toBe(0);
  });

  it('what an item asks for, and nothing of a finished job', async () => {
    await stage.putJob('over', 'CANCELLED');
    const docs = await stage.putDocs(
      't',
      MATH,
      numbers(2).map((doc) => preparedDoc(doc)),
    );
    await stage.store(generation({ job: 'over', doc: 0, docs }), generation({ job: 'again', doc: 0, docs }));
    const sandbox = await stage.sandbox();
    await stage.scores('again', 1);
    const { score } = stage.bus.work(PARTITION);
    const item = {
      v: 1,
      job: 'again',
      task: 'a task/with:marks',
      kind: 'score',
      epoch: 3,
      doc: 0,
      repeat: 0,
    } as const;
    await score.publish(item);
    await score.publish({ ...item, doc: 99 });
    expect(await stage.scores('again', 1, 3)).toMatchObject([{ epoch: 3, doc: 0, repeat: 'all' }]);
    for (let tries = 0; tries < 100 && (await score.outstanding({})) > 0; tries += 1) await sleep(50);
    expect(await score.outstanding({})).toBe(0);
    expect(await stage.scores('over', 0)).toEqual([]);
    await sandbox.end('SIGTERM');
  });
});

describe('a sandbox that dies', () => {
  it.for(['sandbox.score.stored', 'sandbox.execute.stored'])(
    'at %s loses and repeats nothing',
    async (point) => {
      const kind = point.includes('execute') ? 'execute' : 'score';
      const job = `crash-${kind}`;
      const scoring = kind === 'execute' ? CODE : MATH;
      const docs = await stage.putDocs(
        't',
        scoring,
        numbers(40).map((doc) => (kind === 'execute' ? codeDoc(doc) : preparedDoc(doc))),
      );
      await stage.arm(point);
      const first = await stage.sandbox();
      const text = kind === 'execute' ? RIGHT : undefined;
      await stage.store(...numbers(40).map((doc) => generation({ job, doc, docs, kind }, text)));
      expect(await first.exited()).toBe('SIGKILL');
      const second = await stage.sandbox();
      const scores = await stage.scores(job, 40);
      expect(scores.map(({ doc }) => doc)).toEqual(numbers(40));
      expect(scores.every(({ outcome }) => 'status' in outcome && outcome.status === 'scored')).toBe(true);
      await second.end('SIGTERM');
    },
  );

  it('takes every child with it', async () => {
    const docs = await stage.putDocs('t', CODE, [codeDoc(0)]);
    const sandbox = await stage.sandbox();
    await stage.store(
      generation({ job: 'asleep', doc: 0, docs, kind: 'execute' }, 'import time\ntime.sleep(60)'),
    );
    await sleep(500);
    const family = descendants(sandbox.pid);
    expect(family.length).toBeGreaterThan(2);
    await sandbox.end('SIGKILL');
    let left = family;
    for (let tries = 0; tries < 100 && left.length > 0; tries += 1) {
      await sleep(50);
      left = left.filter((pid) => parents().has(pid));
    }
    expect(left).toEqual([]);
  });
});

describe('SandboxService', () => {
  const asked = (given: Partial<ExecuteRequest>): ExecuteRequest => ({
    source: '',
    stdin: Buffer.alloc(0),
    cpuMs: 0,
    wallMs: 0,
    memoryBytes: 0n,
    outputBytes: 0n,
    ...given,
  });

  it('runs a program with its input, refuses wrong limits by name and too many at once', async () => {
    const sandbox = await stage.sandbox({ ASSAY_EXECUTE_QUEUE: '1', ASSAY_SLOTS: '1' });
    const client = connectRpc(SandboxServiceClient, sandbox.addresses.rpc);
    const execute = async (given: Partial<ExecuteRequest>) =>
      await call(client, 'execute', asked(given), { deadlineMs: 30_000 });
    const done = await execute({
      source: 'print(sum(map(int, input().split())))',
      stdin: Buffer.from('3 4\n'),
    });
    expect(done).toMatchObject({ status: ExecuteStatus.OK, tier: 1, detail: '' });
    expect(Buffer.from(done.stdout).toString()).toBe('7\n');
    const failed = await execute({ source: 'raise ValueError("é")' });
    expect(failed.status).toBe(ExecuteStatus.RUNTIME_ERROR);
    expect(Buffer.from(failed.stderr).toString()).toContain('ValueError: é');
    await expect(execute({ cpuMs: -1, memoryBytes: 1n })).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: [{ field: 'cpu_ms' }, { field: 'memory_bytes' }],
    });
    const slow = Array.from(
      { length: 8 },
      async () => await execute({ source: 'import time; time.sleep(0.5)' }),
    );
    const results = await Promise.allSettled(slow);
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expect(refused.map(({ reason }) => reason.reason)).toContain('RATE_LIMITED');
    client.close();
    await sandbox.end('SIGTERM');
  });

  it('shows what its jail can do, and refuses code where that is too little', async () => {
    const sandbox = await stage.sandbox({ ASSAY_PYTHON: '/nonexistent/python3' });
    const client = connectRpc(SandboxServiceClient, sandbox.addresses.rpc);
    await expect(
      call(client, 'execute', asked({ source: '1' }), { deadlineMs: 10_000 }),
    ).rejects.toMatchObject({
      reason: 'CODE_EXECUTION_REFUSED',
    });
    client.close();
    const signs = [];
    for await (const key of stage.bus.kv(WORKERS).keys()) {
      if (key.startsWith(`sandbox-${sandbox.pid}-`))
        signs.push((await stage.bus.kv(WORKERS).get(key))?.value);
    }
    expect(signs).toMatchObject([{ service: 'sandbox', jail: { tier: 3, executes: false } }]);
    await sandbox.end('SIGTERM');
  });
});

/** Process ids and their parents'. */
function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      if (fields[0] !== 'Z') found.set(Number(name), Number(fields[1]));
    } catch {
      // it ended meanwhile
    }
  }
  return found;
}

function descendants(root: number): number[] {
  const all = [...parents()];
  const children = (pid: number): number[] =>
    all.filter(([, parent]) => parent === pid).flatMap(([child]) => [child, ...children(child)]);
  return children(root);
}
