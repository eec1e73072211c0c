import { permissionsOf, SERVICE_NAMES } from '@assay/lib/bus';
import { expect, it } from 'vitest';
import { chartUsers } from './users.ts';

it('gives each service what it may say, whichever partitions there are', () => {
  const users = chartUsers();
  expect(Object.keys(users)).toEqual([...SERVICE_NAMES]);
  for (const service of SERVICE_NAMES) {
    const { publish = [], publishOfPartition = [], subscribe } = users[service] ?? {};
    const filled = ['p0', 'p1'].flatMap((p) => publishOfPartition.map((s) => s.replaceAll('{partition}', p)));
    const right = permissionsOf(service, service, ['p0', 'p1']);
    expect([...publish, ...filled].toSorted()).toEqual(right.publish);
    expect(subscribe).toEqual(right.subscribe);
  }
});
