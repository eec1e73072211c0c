import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whereIs, type Where } from './where.ts';

let state: string;
beforeEach(() => {
  state = mkdtempSync(path.join(tmpdir(), 'assay-where-'));
});
afterEach(() => rmSync(state, { recursive: true }));

const at = (where: Where, env: Record<string, string> = {}) => whereIs({ state, ...where }, env);
const write = (value: object) => writeFileSync(path.join(state, 'cli.json'), JSON.stringify(value));
const addresses = (scheduler: string, reporter = scheduler) => ({ type: 'addresses', scheduler, reporter });
const cluster = (context: string | undefined, namespace = 'assay') => ({
  type: 'cluster',
  context,
  namespace,
});

describe('where Assay is', () => {
  it('is said by flags before the environment before the file', () => {
    write({ scheduler: 'file:1', reporter: 'file:2', token: 'file' });
    expect(at({})).toEqual({
      place: addresses('file:1', 'file:2'),
      credential: { type: 'token', token: 'file' },
    });
    const env = { ASSAY_SCHEDULER: 'env:1' };
    // The file's token is not for a scheduler that it does not name.
    expect(at({}, env)).toEqual({ place: addresses('env:1', 'file:2'), credential: { type: 'none' } });
    expect(at({ scheduler: 'flag:1' }, { ...env, ASSAY_REPORTER: 'env:2' }).place).toEqual(
      addresses('flag:1', 'env:2'),
    );
  });

  it('can be one address for both, and another for one of them', () => {
    expect(at({ address: 'one:1' }).place).toEqual(addresses('one:1'));
    expect(at({ address: 'one:1', reporter: 'other:2' }).place).toEqual(addresses('one:1', 'other:2'));
    expect(at({}, { ASSAY_ADDRESS: 'one:1' }).place).toEqual(addresses('one:1'));
  });

  it('can be a cluster, by each of the three', () => {
    expect(at({ kubeContext: 'prod' }, { ASSAY_SCHEDULER: 'env:1' }).place).toEqual(cluster('prod'));
    expect(at({ kubeNamespace: 'evals' }).place).toEqual(cluster(undefined, 'evals'));
    const env = { ASSAY_KUBE_CONTEXT: 'prod', ASSAY_KUBE_NAMESPACE: 'evals' };
    expect(at({}, env).place).toEqual(cluster('prod', 'evals'));
    expect(at({ kubeContext: 'other' }, env).place).toEqual(cluster('other', 'evals'));
    expect(at({ address: 'flag:1' }, env).place).toEqual(addresses('flag:1'));
    write({ kubeContext: 'file', kubeServiceAccount: 'team-a/me' });
    expect(at({})).toEqual({
      place: cluster('file'),
      credential: { type: 'account', account: 'team-a/me' },
    });
  });

  it.each<[Where, Record<string, string>, string]>([
    [{ kubeContext: 'c', scheduler: 'a:1' }, {}, 'the flags name both addresses and a cluster'],
    [{}, { ASSAY_KUBE_NAMESPACE: 'n', ASSAY_ADDRESS: 'a:1' }, 'the environment name both'],
    [{ address: 'http://a' }, {}, '"http://a" is not host:port'],
    [{ address: 'a:1', token: 'a\nb' }, {}, 'no call can carry'],
    [{ address: 'a:1', token: 't', kubeServiceAccount: 'me' }, {}, 'leave --token and --token-file out'],
    [{}, {}, 'no Assay is known here; `assay local up` starts one'],
  ])('is not %j with %j', (where, env, why) => {
    expect(() => at(where, env)).toThrow(why);
  });

  it('is not in a file of something else', () => {
    for (const value of [{}, { scheduler: 'a:1' }, { kubeContext: 1 }, { kubeContext: 'c', other: 'x' }]) {
      write(value);
      expect(() => at({})).toThrow('is damaged; `assay local up` writes it anew');
    }
  });
});

describe('who calls', () => {
  const place = { address: 'a:1' };
  it.each<[Where, Record<string, string>, object]>([
    [{ token: 't' }, { ASSAY_KUBE_SERVICE_ACCOUNT: 'me' }, { type: 'token', token: 't' }],
    [{ kubeServiceAccount: 'me' }, { ASSAY_TOKEN: 't' }, { type: 'account', account: 'me' }],
    [{}, { ASSAY_TOKEN: 't', ASSAY_KUBE_SERVICE_ACCOUNT: 'me' }, { type: 'token', token: 't' }],
    [{}, { ASSAY_KUBE_SERVICE_ACCOUNT: 'me' }, { type: 'account', account: 'me' }],
    [{}, { ASSAY_TOKEN: '' }, { type: 'none' }],
  ])('with %j and %j is %j', (where, env, credential) => {
    expect(at({ ...place, ...where }, env).credential).toEqual(credential);
  });

  it('can be said by a file', () => {
    const file = path.join(state, 'token');
    writeFileSync(file, 'from-file\n');
    const credential = { type: 'token', token: 'from-file' };
    expect(at({ ...place, tokenFile: file }, { ASSAY_TOKEN: 't' }).credential).toEqual(credential);
    expect(at(place, { ASSAY_TOKEN_FILE: file }).credential).toEqual(credential);
    expect(() => at({ ...place, tokenFile: `${file}.no` })).toThrow('cannot be read');
  });
});
