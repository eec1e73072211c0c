import { expect, test } from 'vitest';
import { brokerUsersConfig } from './broker-users.ts';

test('the broker is told its users, with the variables that hold their passwords', () => {
  const config = brokerUsersConfig([
    { service: 'reporter', name: 'assay-reporter', partitions: ['p0'], password: { variable: 'REPORTER' } },
    { service: 'sandbox', name: 's', partitions: ['p0'], password: 'a "quoted" one' },
  ]);
  expect(config).toContain('user: "assay-reporter", password: $REPORTER\n');
  expect(config).toContain('user: "s", password: "a \\"quoted\\" one"\n');
  expect(config).toContain('subscribe: { allow: [\n          "_INBOX_assay-reporter.>"\n        ] }');
});
