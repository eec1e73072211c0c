// `node scripted-demo-model.ts ANNOUNCE DELAY_MS`: the scripted server in the place of the demo's model.
import { rename, writeFile } from 'node:fs/promises';
import { startModelServer } from './model-server.ts';

const [announce = '', delayMs = '0'] = process.argv.slice(2);
const { url, port } = await startModelServer({
  behaviour: { model: 'smollm2-135m-instruct', contextLength: 2_048, delayMs: Number(delayMs) },
});
await writeFile(`${announce}.part`, JSON.stringify({ url, port, pid: process.pid }));
await rename(`${announce}.part`, announce);
process.once('SIGTERM', () => process.exit(0));
