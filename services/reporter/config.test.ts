import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const fine = { ASSAY_NATS_URL: 'nats://x', ASSAY_BLOB_DIR: '/b', ASSAY_REPORTS_DIR: '/r' };
const url = 'postgres://assay:hunter2@db/results';

function problems(env: Record<string, string>): unknown {
  try {
    return readConfig({ ...fine, ...env });
  } catch (error) {
    expect(String(error)).not.toContain('hunter2');
    return error instanceof Error && 'violations' in error ? error.violations : error;
  }
}

describe('the database of the reporter', () => {
  it('is a folder, or a server with its limits', () => {
    expect(problems({ ASSAY_DATABASE_DIR: '/d' })).toMatchObject({ DATABASE_DIR: '/d' });
    expect(problems({ ASSAY_DATABASE_URL: url, ASSAY_DATABASE_STATEMENT_TIMEOUT: '1m' })).toMatchObject({
      DATABASE_URL: { host: 'db', database: 'results' },
      DATABASE_CONNECTIONS: 8,
      DATABASE_CONNECT_TIMEOUT: 5_000,
      DATABASE_STATEMENT_TIMEOUT: 60_000,
    });
  });

  it('is one of the two', () => {
    expect(problems({})).toMatchObject([
      { field: 'ASSAY_DATABASE_DIR', message: 'is missing, and so is ASSAY_DATABASE_URL: set one' },
    ]);
    expect(problems({ ASSAY_DATABASE_DIR: '/d', ASSAY_DATABASE_URL: url })).toMatchObject([
      { field: 'ASSAY_DATABASE_URL', message: 'excludes ASSAY_DATABASE_DIR: unset one' },
    ]);
  });

  it('is refused with everything that is wrong at once, and never with the URL', () => {
    const wrong = {
      ASSAY_DATABASE_DIR: '/d',
      ASSAY_DATABASE_URL: 'postgres://u:hunter2@db?hunter2',
      ASSAY_DATABASE_CONNECTIONS: '0',
      ASSAY_DATABASE_URI: 'hunter2',
    };
    expect(problems(wrong)).toMatchObject([
      { field: 'ASSAY_DATABASE_URL', message: 'must name one database after the host' },
      { field: 'ASSAY_DATABASE_URL', message: 'must have no parameters but sslmode, sslrootcert' },
      { field: 'ASSAY_DATABASE_CONNECTIONS', message: 'must be a whole number from 1, not "0"' },
      { field: 'ASSAY_DATABASE_URL', message: 'excludes ASSAY_DATABASE_DIR: unset one' },
      { field: 'ASSAY_DATABASE_URI' },
    ]);
    expect(problems({ ASSAY_DATABASE_DIR: '/d', ASSAY_DATABASE_CONNECTIONS: '2' })).toMatchObject([
      { field: 'ASSAY_DATABASE_CONNECTIONS', message: 'means nothing without ASSAY_DATABASE_URL' },
    ]);
  });
});
