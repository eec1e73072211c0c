import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOME, startStack, type Stack } from '../support/stack.ts';
import {
  ANSWERS,
  expectResult,
  midway,
  rowsOf,
  runs,
  storedOnce,
  submitMixed,
  succeeded,
  until,
  type Rows,
} from './outage-world.ts';

const IDLE_MS = 8_000;
const TARGET = { $case: 'catalog', value: { model: 'scripted', device: '' } } as const;
const LONG = { timeout: 240_000 };

let catalog = '';
let stack: Stack;
let undisturbed: Rows;
beforeAll(async () => {
  catalog = await mkdtemp(path.join(tmpdir(), 'assay-outages-catalog-'));
  await writeCatalog(catalog);
  stack = await startStack({ catalog, extra: { scheduler: { ASSAY_SERVER_IDLE: `${String(IDLE_MS)}ms` } } });
  const id = await submitMixed(stack, 'undisturbed', TARGET);
  await succeeded(stack, id, 120_000);
  undisturbed = await rowsOf(stack, id);
}, 240_000);
afterAll(async () => {
  await stack?.stop();
  await rm(catalog, { recursive: true, force: true });
});

describe('a model server that Assay starts', () => {
  it('is started again when it dies, and the job goes on', LONG, async () => {
    const id = await submitMixed(stack, 'killed', TARGET);
    await midway(stack, id, 20);
    const first = await serverPid();
    process.kill(first, 'SIGKILL');
    await succeeded(stack, id, 200_000);
    await storedOnce(stack, id);
    await expectResult(stack, id, undisturbed);
    expect(await serverPid()).not.toBe(first);
    expect(runs(first)).toBe(false);
    expect(await stack.metrics('scheduler')).toMatch(/_restarts\S* 1$/m);
  });

  it('serves the next job too, warm, and is stopped when none uses it', LONG, async () => {
    const first = await submitMixed(stack, 'cold', TARGET);
    await succeeded(stack, first, 120_000);
    const pid = await serverPid();
    const second = await submitMixed(stack, 'warm', TARGET);
    const job = await succeeded(stack, second, 120_000);
    expect(job.transitions.find(({ reason }) => reason === 'PLACED')?.detail).toContain('warm');
    expect(await serverPid()).toBe(pid);
    expect(runs(pid)).toBe(true);
    await until('the idle server is stopped', IDLE_MS + 30_000, async () => !runs(pid));
    await expectResult(stack, second, undisturbed);
    const third = await submitMixed(stack, 'cold again', TARGET);
    await succeeded(stack, third, 120_000);
    expect(await serverPid()).not.toBe(pid);
  });

  it('does not outlive a scheduler that is killed; the next one starts its own', LONG, async () => {
    const id = await submitMixed(stack, 'orphan', TARGET);
    await midway(stack, id, 20);
    const pid = await serverPid();
    expect(stack.kill('scheduler')).toBe(true);
    await until('the server ends with its scheduler', 30_000, async () => !runs(pid));
    await succeeded(stack, id, 200_000);
    await storedOnce(stack, id);
    await expectResult(stack, id, undisturbed);
    expect(await serverPid()).not.toBe(pid);
  });

  it('is gone when everything is stopped', LONG, async () => {
    const id = await submitMixed(stack, 'last', TARGET);
    await midway(stack, id, 10);
    const pid = await serverPid();
    await stack.stop();
    expect(runs(pid)).toBe(false);
  });
});

/** The server's own process: the scheduler knows its launcher's only. */
async function serverPid(): Promise<number> {
  const [key = '', ...more] = await readdir(stack.layout.servers);
  expect(more).toEqual([]);
  const text = await readFile(path.join(stack.layout.servers, key, 'announce.json'), 'utf8');
  return (JSON.parse(text) as { readonly pid: number }).pid;
}

/** A catalog with one model, which the scripted server serves. */
async function writeCatalog(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'models'), { recursive: true });
  await mkdir(path.join(folder, 'tasks'));
  await cp(path.join(HOME, 'catalog/devices'), path.join(folder, 'devices'), { recursive: true });
  const program = path.join(folder, 'server.mjs');
  const support = pathToFileURL(path.join(HOME, 'test/support/model-server.ts')).href;
  const model = `name: scripted
description: Answers by content.
license: none
model_id: scripted
context_length: 8192
devices: [cpu]
local:
  command: ['{node}', '${program}', '{announce}']
  start_timeout: 1m
  ceiling: 4
`;
  await writeFile(path.join(folder, 'models/scripted.yaml'), model);
  await writeFile(
    program,
    `import { rename, writeFile } from 'node:fs/promises';
import { startModelServer } from ${JSON.stringify(support)};
const [, , file] = process.argv;
const server = await startModelServer({ behaviour: { delayMs: 250 }, scriptModule: ${JSON.stringify(ANSWERS)} });
await writeFile(file + '.new', JSON.stringify({ url: server.url, pid: process.pid }));
await rename(file + '.new', file);
process.once('SIGTERM', () => process.exit(0));
`,
  );
}
