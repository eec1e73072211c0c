import { afterEach, describe, expect, it } from 'vitest';
import { createLog } from '../log.ts';
import { createMetrics, serveOps, type OpsServer } from './index.ts';

const servers: OpsServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const isReady = async () => null;

async function serve(ready: () => Promise<string | null>) {
  const log = createLog({ service: 'test', level: 'silent' });
  const server = await serveOps({ host: '127.0.0.1', port: 0, metrics: createMetrics('test'), ready, log });
  servers.push(server);
  return async (path: string) => {
    const response = await fetch(`http://${server.address}${path}`);
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    };
  };
}

describe('serveOps', () => {
  it('serves metrics in the text format', async () => {
    const get = await serve(isReady);
    const { status, type, text } = await get('/metrics');
    expect(status).toBe(200);
    expect(type).toContain('text/plain; version=0.0.4');
    expect(text).toContain('# TYPE assay_test_process_start_time_seconds gauge');
  });

  it('is alive whether or not it is ready, and says why it is not', async () => {
    let why: string | null = 'no connection to the broker';
    const get = await serve(async () => why);
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      text: 'not ready: no connection to the broker\n',
    });
    expect(await get('/livez')).toMatchObject({ status: 200 });
    why = null;
    expect(await get('/readyz?verbose')).toMatchObject({ status: 200, text: 'ready\n' });
  });

  it('is not ready when the check fails', async () => {
    const get = await serve(() => Promise.reject(new Error('secret detail')));
    const { status, text } = await get('/readyz');
    expect(status).toBe(503);
    expect(text).not.toContain('secret');
  });

  it('has nothing else', async () => {
    const get = await serve(isReady);
    expect(await get('/debug')).toMatchObject({ status: 404 });
  });

  it('says so when its port is taken', async () => {
    await serve(isReady);
    const [first] = servers;
    const log = createLog({ service: 'test', level: 'silent' });
    const port = Number(first?.address.split(':')[1]);
    await expect(
      serveOps({ host: '127.0.0.1', port, metrics: createMetrics('test'), ready: isReady, log }),
    ).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  });
});
