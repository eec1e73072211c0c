import { describe, expect, it } from 'vitest';
import { readDatabaseUrl } from './database-url.ts';

describe('readDatabaseUrl', () => {
  it('reads what the URL says, decoded, and fills in port and encryption', () => {
    expect(readDatabaseUrl('postgres://assay:a%40b%2Fc@db.example/results')).toEqual({
      host: 'db.example',
      port: 5432,
      user: 'assay',
      password: 'a@b/c',
      database: 'results',
      sslmode: 'disable',
    });
    expect(
      readDatabaseUrl('postgresql://assay@[::1]:6432/results?sslmode=verify-full&sslrootcert=/ca.pem'),
    ).toEqual({
      host: '::1',
      port: 6432,
      user: 'assay',
      database: 'results',
      sslmode: 'verify-full',
      sslrootcert: '/ca.pem',
    });
    expect(readDatabaseUrl('postgres://assay@%2Frun%2Fpostgresql/results')).toMatchObject({
      host: '/run/postgresql',
    });
  });

  it.each([
    ['', ['must be a URL such as']],
    ['mysql://u@h/d', ['must be a URL such as']],
    ['postgres://u@h:99999/d', ['must be a URL such as']],
    ['postgres://u:hunter%2@h/d', ['with % only before two hexadecimal digits']],
    ['postgres:///', ['must name a host', 'must name a user', 'must name one database']],
    [
      'postgres://u:hunter2@h/a/b?sslmode=prefer&sslrootcert=x&options=-chunter2',
      ['must name one database', 'as its sslmode', 'sslrootcert only under', 'no parameters but'],
    ],
  ])('says everything that is wrong with %j and repeats nothing of it', (text, words) => {
    const problems = readDatabaseUrl(text);
    expect(problems).toEqual(words.map((word) => expect.stringContaining(word) as unknown));
    expect(JSON.stringify(problems)).not.toMatch(/hunter|prefer/);
  });
});
