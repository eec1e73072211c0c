import { expect, it } from 'vitest';
import { askModels } from './model-list.ts';

it('says that the client refuses a port that no browser would ask either', async () => {
  await expect(askModels('http://127.0.0.1:6000/v1', 'm', { timeoutMs: 1_000 })).rejects.toMatchObject({
    reason: 'ENDPOINT_UNREACHABLE',
    message: expect.stringContaining('the HTTP client refuses this port'),
  });
});
