import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { manualClock } from '@assay/lib/clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAccess } from '@assay/lib/kube';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-access-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function configOf(user: object, cluster: object = {}): Promise<string> {
  const file = path.join(folder, 'kubeconfig');
  const config = {
    clusters: [{ name: 'c', cluster: { server: 'https://api.example:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'ns' } }],
    'current-context': 'x',
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('openAccess', () => {
  it('reads certificates of a kubeconfig', async () => {
    const kubeconfig = await configOf(
      { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
      { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'other.example' },
    );
    const access = await openAccess({ kubeconfig, clock: manualClock() });
    expect(access.server.href).toBe('https://api.example:6443/');
    expect(access.namespace).toBe('ns');
    expect(access.tls()).toEqual({ ca: 'CA', cert: 'CERT', key: 'KEY', servername: 'other.example' });
  });

  it('reads the file of a token again after a minute, and at once when it is not accepted', async () => {
    const tokenFile = path.join(folder, 'token');
    await writeFile(tokenFile, 'first\n');
    const kubeconfig = await configOf({ 'auth-provider': { name: 'tokenFile', config: { tokenFile } } });
    const clock = manualClock();
    const access = await openAccess({ kubeconfig, clock });
    const bearer = async () => (await access.headers())['Authorization'];
    expect(await bearer()).toBe('Bearer first');
    await writeFile(tokenFile, 'second\n');
    await clock.advance(59_000);
    expect(await bearer()).toBe('Bearer first');
    await clock.advance(2_000);
    expect(await bearer()).toBe('Bearer second');
    await writeFile(tokenFile, 'third\n');
    await access.refresh();
    expect(await bearer()).toBe('Bearer third');
  });

  it.each([
    ['no file', async () => path.join(folder, 'nothing'), 'nothing cannot be used: .*ENOENT'],
    ['a proxy', () => configOf({}, { 'proxy-url': 'http://proxy' }), 'proxy-url is not supported'],
    ['no cluster around it', async () => undefined, 'what a pod has to reach its cluster cannot be used'],
  ])('refuses %s and says why', async (_, make, why) => {
    const kubeconfig = await make();
    const opening = openAccess({
      clock: manualClock(),
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
    });
    await expect(opening).rejects.toMatchObject({ reason: 'INVALID_REQUEST', permanent: true });
    await expect(opening).rejects.toThrow(new RegExp(why));
  });
});
