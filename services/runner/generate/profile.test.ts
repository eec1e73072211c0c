import { describe, expect, it } from 'vitest';
import type { Failure, ModelEndpoint, Reply } from '../ports.ts';
import { describeServer, takesTokenIds } from './profile.ts';

const control = { timeoutMs: 1, signal: new AbortController().signal };
const INFO = { prefixToken: '<s>', contextLength: 2_048 };
const failure = (kind: Failure['kind'], status: number): Failure => ({ ok: false, kind, status, detail: '' });

// Answers that come one after the other; the last stays.
const turns = <T>(...replies: Reply<T>[]) => {
  let turn = -1;
  return () => Promise.resolve(replies[Math.min((turn += 1), replies.length - 1)] ?? failure('broken', 0));
};

const describeWith = (change: Partial<ModelEndpoint>) => {
  const endpoint: Partial<ModelEndpoint> = {
    models: turns<never>(failure('refused', 404)),
    tokenizer: turns({ ok: true, value: INFO }),
    tokenize: turns({ ok: true, value: [7] }),
    ...change,
  };
  return describeServer(endpoint as ModelEndpoint, 'm', { contextLength: 0 }, control);
};

describe('the profile of a server', () => {
  it('has a tokenizer where both routes answer', async () => {
    const value = { tokenizer: true, prefixId: 7, contextLength: 2_048 };
    expect(await describeWith({})).toEqual({ ok: true, value });
  });

  const absent = [
    ['refused', 404],
    ['unauthorized', 401],
    ['unauthorized', 403],
    ['invalid', 200],
    ['server-error', 500],
  ] as const;
  it.each(absent)('has no tokenizer where a route answers %s, %i each time', async (kind, status) => {
    const none = { tokenizer: false, prefixId: null };
    const answer = failure(kind, status);
    expect(await describeWith({ tokenizer: turns<never>(answer) })).toMatchObject({ ok: true, value: none });
    expect(await describeWith({ tokenize: turns<never>(answer) })).toMatchObject({ ok: true, value: none });
  });

  it.each([
    ['limited', 429],
    ['overloaded', 503],
    ['server-error', 502],
    ['timed-out', 0],
    ['broken', 0],
    ['unreachable', 0],
  ] as const)('is not known after %s, %i', async (kind, status) => {
    const answer = failure(kind, status);
    expect(await describeWith({ tokenizer: turns<never>(answer) })).toEqual(answer);
    expect(await describeWith({ tokenize: turns<never>(answer) })).toEqual(answer);
  });

  it('outlives a 500 by accident', async () => {
    const tokenizer = turns({ ok: true, value: INFO });
    const once = turns(failure('server-error', 500), await tokenizer());
    expect(await describeWith({ tokenizer: once })).toMatchObject({ value: { tokenizer: true } });
  });
});

describe('token ids', () => {
  it.each([failure('refused', 422), failure('server-error', 500)])(
    'are not taken after %j',
    async (answer) => {
      const endpoint: Partial<ModelEndpoint> = {
        tokenize: turns({ ok: true, value: [7] }),
        complete: turns<never>(answer),
      };
      const profile = { tokenizer: true, prefixId: null, contextLength: 0 };
      const taken = await takesTokenIds(endpoint as ModelEndpoint, profile, control);
      expect(taken).toEqual({ ok: true, value: false });
    },
  );
});
