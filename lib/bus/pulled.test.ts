import type { Msg } from 'nats';
import { expect, test } from 'vitest';
import { pulledOf } from './pulled.ts';

test.each([
  '$JS.ACK.SHARDS_p0.runner.3.42.7.1700000000123000000.5',
  '$JS.ACK.hub.ACCHASH.SHARDS_p0.runner.3.42.7.1700000000123000000.5.token',
  '$JS.ACK.hub.ACCHASH.SHARDS_p0.runner.3.42.7.1700000000123000000.5',
])('the reply subject %s tells sequence, attempt, backlog and time', (reply) => {
  const pulled = pulledOf(message(reply));
  expect(pulled).toMatchObject({ subject: 's', reply, sequence: 42, attempt: 3, pending: 5 });
  expect(pulled?.storedMs).toBeCloseTo(1_700_000_000_123, 0);
});

test('a status of the broker is no message', () => {
  expect(pulledOf(message(undefined))).toBeNull();
  expect(pulledOf(message('_INBOX.abc'))).toBeNull();
});

function message(reply: string | undefined): Msg {
  const parts = { subject: 's', sid: 1, data: new Uint8Array(), respond: () => false };
  const unused = { json: <T>(): T => JSON.parse('null'), string: () => '' };
  return { ...parts, ...unused, ...(reply !== undefined && { reply }) };
}
