import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '@assay/lib/log';
import { ledgerSizes } from './ledger-sizes.ts';

let nats = '';
let ledgersFile = '';
let warned = '';
const log = createLog(
  { service: 'test', level: 'warn', pretty: false },
  { write: (text) => (warned += text) },
);

beforeEach(async () => {
  nats = await mkdtemp(path.join(tmpdir(), 'assay-ledgers-'));
  ledgersFile = path.join(nats, 'ledgers.json');
  warned = '';
});
afterEach(() => rm(nats, { recursive: true, force: true }));

const keep = (sizes: object) => writeFile(ledgersFile, JSON.stringify(sizes));

describe('ledgerSizes', () => {
  it('are kept from the first start on', async () => {
    const first = await ledgerSizes({ nats, ledgersFile }, log);
    const { storeBytes, ...sizes } = first;
    expect(storeBytes).toBeGreaterThan(sizes.generationsBytes + sizes.scoresBytes);
    expect(JSON.parse(await readFile(ledgersFile, 'utf8'))).toEqual(sizes);
  });

  it('never shrink below what the streams have reserved, whatever is free now, and say so', async () => {
    const laid = { generationsBytes: 2 ** 51, scoresBytes: 2 ** 50 };
    await keep(laid);
    expect(await ledgerSizes({ nats, ledgersFile }, log)).toMatchObject(laid);
    expect(warned).toContain('less room than the ledgers may take');
  });

  it('grow when there is more room', async () => {
    await keep({ generationsBytes: 1, scoresBytes: 1 });
    expect((await ledgerSizes({ nats, ledgersFile }, log)).generationsBytes).toBeGreaterThan(1);
  });
});
