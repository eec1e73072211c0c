import { describe, expect, it } from 'vitest';
import { AssayError } from '../errors.ts';
import { commonShape, loadConfig, nearest, settings } from './index.ts';

const shape = {
  ...commonShape,
  LIMIT: settings.integer.default(3),
  SIZE: settings.bytes.default(1),
  WAIT: settings.duration.default(1),
};
const fine = { ASSAY_NATS_URL: 'nats://x', ASSAY_BLOB_DIR: '/b', PATH: '/bin' };

describe('loadConfig', () => {
  it('reads values with their units and leaves the rest of the environment alone', () => {
    const config = loadConfig('x', shape, {
      ...fine,
      ASSAY_SIZE: '2MiB',
      ASSAY_WAIT: '1.5s',
      ASSAY_PARTITIONS: 'p0, p1',
    });
    expect(config).toMatchObject({
      SIZE: 2_097_152,
      WAIT: 1_500,
      LIMIT: 3,
      PARTITIONS: ['p0', 'p1'],
      GRACE: 8_000,
    });
  });

  it('names every wrong, missing and unknown setting at once', () => {
    const env = {
      ASSAY_NATS_URL: 'nats://x',
      ASSAY_LIMIT: 'many',
      ASSAY_SIZE: '3 parsecs',
      ASSAY_LOG_LEVEL: 'loud',
      ASSAY_PARTITIONS: ' ,',
      ASSAY_TOKEN: '',
      ASSAY_RPC_PROT: '1',
    };
    const load = () => loadConfig('x', shape, env);
    expect(load).toThrowError(
      expect.objectContaining({
        violations: [
          {
            field: 'ASSAY_LOG_LEVEL',
            message: 'must be one of trace, debug, info, warn, error, fatal, silent, not "loud"',
          },
          { field: 'ASSAY_TOKEN', message: 'must not be empty' },
          { field: 'ASSAY_PARTITIONS', message: 'must be one name or more, separated by commas' },
          { field: 'ASSAY_LIMIT', message: 'must be a whole number, not "many"' },
          { field: 'ASSAY_SIZE', message: 'must be a size such as 4096, 64KiB or 1GiB, not "3 parsecs"' },
          { field: 'ASSAY_BLOB_DIR', message: 'is missing, and so is ASSAY_BLOB_STORE: set one' },
          { field: 'ASSAY_RPC_PROT', message: 'is not a setting of the x; did you mean ASSAY_RPC_PORT?' },
        ],
      }),
    );
  });
});

describe('a program that is no service', () => {
  const program = { HUB: settings.httpUrl };

  it('has its own settings only', () => {
    const { HUB } = loadConfig('x', program, { ASSAY_HUB: 'https://hub/mirror/' });
    expect(HUB.href).toBe('https://hub/mirror/');
    expect(() => loadConfig('x', program, { ASSAY_HUB: 'https://hub', ASSAY_BLOB_DIR: '/b' })).toThrow(
      'ASSAY_BLOB_DIR is not a setting of the x',
    );
  });

  it.each(['hub', 'ftp://hub/', 'https://user:word@hub/', 'https://hub/?a=b', 'https://hub/#a', ''])(
    'is not told to ask at "%s", and says so without repeating it',
    (url) => {
      const load = () => loadConfig('x', program, { ASSAY_HUB: url });
      expect(load).toThrow(/^the x cannot start: ASSAY_HUB must be an http or https URL without[a-z, ]+$/);
    },
  );
});

describe('the settings of the blob store and the broker', () => {
  const broker = { ASSAY_NATS_URL: 'nats://x' };
  const violations = (env: Record<string, string>) => {
    try {
      loadConfig('x', shape, env);
      return [];
    } catch (error) {
      return error instanceof AssayError ? error.violations : [error];
    }
  };

  it.each([
    { ...broker, ASSAY_BLOB_DIR: '/b' },
    { ...broker, ASSAY_BLOB_STORE: 'nats' },
    { ...fine, ASSAY_NATS_TOKEN: 't' },
    { ...fine, ASSAY_NATS_USER: 'runner', ASSAY_NATS_PASSWORD_FILE: '/p' },
  ])('may be %j', (env) => {
    expect(violations(env)).toEqual([]);
  });

  it.each<[Record<string, string>, string, string]>([
    [broker, 'ASSAY_BLOB_DIR', 'is missing, and so is ASSAY_BLOB_STORE: set one'],
    [{ ...fine, ASSAY_BLOB_STORE: 'nats' }, 'ASSAY_BLOB_STORE', 'excludes ASSAY_BLOB_DIR: unset one'],
    [{ ...broker, ASSAY_BLOB_STORE: 's3' }, 'ASSAY_BLOB_STORE', 'must be one of nats, not "s3"'],
    [
      { ...fine, ASSAY_NATS_USER: 'u', ASSAY_NATS_PASSWORD_FILE: '/p', ASSAY_NATS_TOKEN: 't' },
      'ASSAY_NATS_USER',
      'excludes ASSAY_NATS_TOKEN: unset one',
    ],
    [{ ...fine, ASSAY_NATS_USER: 'u' }, 'ASSAY_NATS_PASSWORD_FILE', 'is missing: ASSAY_NATS_USER needs it'],
    [
      { ...fine, ASSAY_NATS_PASSWORD_FILE: '/p' },
      'ASSAY_NATS_USER',
      'is missing: ASSAY_NATS_PASSWORD_FILE needs it',
    ],
    [
      { ...fine, ASSAY_NATS_USER: 'a.>', ASSAY_NATS_PASSWORD_FILE: '/p' },
      'ASSAY_NATS_USER',
      'must be letters, digits, _ and - only',
    ],
  ])('may not be %j', (env, field, message) => {
    expect(violations(env)).toEqual([{ field, message }]);
  });
});

describe('nearest', () => {
  it('suggests only what is near', () => {
    expect(nearest('gsm8', ['gsm8k', 'humaneval'])).toBe('gsm8k');
    expect(nearest('zzz', ['gsm8k'])).toBeNull();
  });
});
