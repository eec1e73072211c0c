import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lastFault } from './last-fault.ts';

let file: string;
beforeAll(async () => {
  file = path.join(await mkdtemp(path.join(tmpdir(), 'assay-fault-')), 'log');
});
afterAll(() => rm(path.dirname(file), { recursive: true, force: true }));

it.each([
  [
    '{"msg":"serves"}\n{"err":{"message":"database is locked"},"msg":"failed"}\n{"msg":"ended"}\n',
    'database is locked',
  ],
  ['{"msg":"serves"}\n{"msg":"ended"}\n', 'ended'],
  [
    'assay: NATS_URL: no broker at nats://127.0.0.1:9 (UNAVAILABLE)\n  is it running?\n',
    'NATS_URL: no broker at nats://127.0.0.1:9',
  ],
  ['Segmentation fault\n', 'Segmentation fault'],
  ['', ''],
])('finds what went wrong in %j', async (text, fault) => {
  await writeFile(file, text);
  expect(await lastFault(file)).toBe(fault);
});

it('says nothing of a log that is not there', async () => {
  expect(await lastFault(`${file}.none`)).toBe('');
});
