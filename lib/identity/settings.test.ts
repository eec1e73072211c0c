import { describe, expect, it } from 'vitest';
import { commonShape, loadConfig, settings } from '../config/index.ts';
import { AssayError } from '../errors.ts';
import { identityShape, identityTogether } from './settings.ts';

const shape = { ...commonShape, ...identityShape, SCHEDULER_USER: settings.text.optional() };
const fine = { ASSAY_NATS_URL: 'nats://x', ASSAY_BLOB_DIR: '/b' };
const kubernetes = { ASSAY_IDENTITY: 'kubernetes', ASSAY_SCHEDULER_USER: 'system:serviceaccount:a:s' };
const load = (env: Record<string, string>) =>
  loadConfig('x', shape, { ...fine, ...env }, (given) => identityTogether(given, 'SCHEDULER_USER'));

describe('the settings of identity', () => {
  it('are one token by default, and claims with usual names', () => {
    expect(load({ ASSAY_TOKEN: 't' })).toMatchObject({ IDENTITY: 'token' });
    expect(
      load({ ...kubernetes, ASSAY_OIDC_ISSUER: 'https://login.example', ASSAY_OIDC_AUDIENCE: 'assay' }),
    ).toMatchObject({ OIDC_TENANT_CLAIM: 'tenant', OIDC_USER_CLAIM: 'sub', OIDC_PREFIX: 'oidc:' });
  });

  it.each<[Record<string, string>, string, string]>([
    [{ ASSAY_IDENTITY: 'ldap' }, 'ASSAY_IDENTITY', 'must be one of token, kubernetes, not "ldap"'],
    [
      { ASSAY_IDENTITY: 'kubernetes' },
      'ASSAY_SCHEDULER_USER',
      'is missing: ASSAY_IDENTITY=kubernetes needs it',
    ],
    [{ ...kubernetes, ASSAY_TOKEN: 't' }, 'ASSAY_TOKEN', 'means nothing under ASSAY_IDENTITY=kubernetes'],
    [
      { ASSAY_STATIC_TOKENS_FILE: '/t' },
      'ASSAY_STATIC_TOKENS_FILE',
      'means nothing without ASSAY_IDENTITY=kubernetes',
    ],
    [
      { ...kubernetes, ASSAY_OIDC_ISSUER: 'https://login.example' },
      'ASSAY_OIDC_AUDIENCE',
      'is missing: ASSAY_OIDC_ISSUER needs it',
    ],
    [
      { ...kubernetes, ASSAY_OIDC_TENANT_CLAIM: 'team' },
      'ASSAY_OIDC_TENANT_CLAIM',
      'means nothing without ASSAY_OIDC_ISSUER',
    ],
    [
      { ...kubernetes, ASSAY_OIDC_ISSUER: 'http://login.example', ASSAY_OIDC_AUDIENCE: 'a' },
      'ASSAY_OIDC_ISSUER',
      'must be an https URL',
    ],
  ])('may not be %j', (env, field, message) => {
    try {
      load(env);
      expect.unreachable();
    } catch (error) {
      expect(error instanceof AssayError ? error.violations : error).toEqual([{ field, message }]);
    }
  });
});
