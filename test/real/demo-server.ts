import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HOME } from '../support/stack.ts';
import { modelFile, type Context } from './context.ts';
import { startServer } from './server-process.ts';

/** An endpoint and the model that it serves. */
export interface Endpoint {
  readonly url: string;
  readonly model: string;
  readonly pid?: number;
}

const START_MS = 120_000;

/** The demo's own model server with the demo's model, for as long as the part runs. */
export async function startDemoServer(context: Context): Promise<Endpoint> {
  const model = modelFile(context);
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-real-'));
  context.keep(() => rm(folder, { recursive: true, force: true }));
  const announced = path.join(folder, 'announce.json');
  const read = () => readFile(announced, 'utf8').catch(() => '');
  const server = await startServer({
    command: process.execPath,
    args: [path.join(HOME, 'demo/server/main.ts'), '--model', model, '--announce', announced],
    ready: async () => (await read()) !== '',
    timeoutMs: START_MS,
  });
  context.keep(() => server.stop());
  return JSON.parse(await read()) as Endpoint;
}
