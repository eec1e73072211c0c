import { describe, expect, it } from 'vitest';
import { hubFault, Later } from './hub-fault.ts';

const answer = { what: 'a.gguf of o/r', origin: 'https://hub', own: true, retryAfter: null };

describe('hubFault', () => {
  it.each([
    [401, 'WEIGHTS_FORBIDDEN', true],
    [403, 'WEIGHTS_FORBIDDEN', true],
    [404, 'WEIGHTS_NOT_FOUND', true],
    [410, 'WEIGHTS_NOT_FOUND', true],
    [400, 'WEIGHTS_HUB_UNREACHABLE', true],
    [408, 'WEIGHTS_HUB_UNREACHABLE', false],
    [429, 'WEIGHTS_HUB_UNREACHABLE', false],
    [500, 'WEIGHTS_HUB_UNREACHABLE', false],
    [503, 'WEIGHTS_HUB_UNREACHABLE', false],
  ])('%d is %s', (status, reason, permanent) => {
    const message = `https://hub answers ${status} for a.gguf of o/r`;
    expect(hubFault({ ...answer, status })).toMatchObject({ reason, permanent, message });
  });

  it('asks the hub again when an address that it signed is not taken', () => {
    expect(hubFault({ ...answer, own: false, status: 403 })).toMatchObject({
      reason: 'WEIGHTS_FORBIDDEN',
      permanent: false,
    });
  });

  it('comes when the hub says, but not in an hour', () => {
    const after = (retryAfter: string) => hubFault({ ...answer, status: 429, retryAfter });
    expect(after('7')).toMatchObject({ afterMs: 7_000, permanent: false });
    expect(after('3600')).toMatchObject({ afterMs: 300_000 });
    expect(after('Fri, 31 Dec 1999 23:59:59 GMT')).not.toBeInstanceOf(Later);
  });
});
