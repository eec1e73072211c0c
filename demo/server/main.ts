import { rename, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { chatRenderer } from './chat-template.ts';
import { createEngine, readsTheSame } from './engine.ts';
import { createApi } from './http.ts';
import { loadModel } from './llama.ts';
import { createQueue } from './queue.ts';

const USAGE = `node main.ts --model FILE.gguf [options]
  --model-id ID     name in /v1/models and in requests (default: the file's name)
  --host HOST       default 127.0.0.1
  --port PORT       default 0: any free port
  --threads N       default: the machine's cores, at most 4
  --context N       tokens of prompt and answer together (default 2048)
  --queue N         requests that may wait; beyond it 429 (default 64)
  --announce FILE   written when the server is ready: {"port", "url", "model", "pid", "startedAt"}`;

// A sentence for the start-up check of the machine's arithmetic.
const PROBE = 'One two three four five six seven eight nine ten eleven twelve thirteen fourteen. '.repeat(4);
const FORCED_EXIT_MS = 3_000;

function settings() {
  const { values } = parseArgs({
    options: {
      model: { type: 'string' },
      'model-id': { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      threads: { type: 'string', default: String(Math.min(4, availableParallelism())) },
      context: { type: 'string', default: '2048' },
      queue: { type: 'string', default: '64' },
      announce: { type: 'string' },
    },
  });
  const model = values.model;
  if (model === undefined) throw new Error('--model is missing');
  const whole = (name: 'port' | 'threads' | 'context' | 'queue', least: number, most: number): number => {
    const number = Number(values[name]);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new Error(`--${name} takes a whole number from ${least} to ${most}, not ${values[name]}`);
  };
  return {
    model,
    modelId: values['model-id'] ?? model.replace(/^.*\//, '').replace(/\.gguf$/, ''),
    host: values.host,
    port: whole('port', 0, 65_535),
    threads: whole('threads', 1, 256),
    contextLength: whole('context', 16, 1_048_576),
    queue: whole('queue', 0, 100_000),
    announce: values.announce,
  };
}

async function main(): Promise<void> {
  const startedAt = new Date().toISOString();
  const options = settings();
  const begun = performance.now();
  const model = await loadModel({ ...options, path: options.model });
  const { vocabulary, sequence } = model;
  const reuse = await readsTheSame(sequence, vocabulary.tokenize(PROBE));
  const stop = new AbortController();
  const server = createApi(
    {
      modelId: options.modelId,
      contextLength: options.contextLength,
      vocabulary,
      engine: createEngine(sequence, reuse),
      chatTemplate: model.chatTemplate,
      renderChat: chatRenderer(model.chatTemplate, vocabulary),
    },
    createQueue(options.queue),
    stop.signal,
  );
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      stop.abort(new Error(signal));
      setTimeout(() => process.exit(0), FORCED_EXIT_MS).unref();
      server.close(() => process.exit(0));
      server.closeIdleConnections();
    });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  const url = `http://${options.host}:${address.port}/v1`;
  if (options.announce !== undefined)
    await announce(options.announce, {
      port: address.port,
      url,
      model: options.modelId,
      pid: process.pid,
      startedAt,
    });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(
    `ready: ${options.modelId} at ${url} (${seconds} s, ${options.threads} threads, context ${options.contextLength}, ` +
      `${reuse ? 'prompt prefixes are reused' : 'every prompt is read from its beginning'})`,
  );
}

async function announce(file: string, value: object): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, JSON.stringify(value));
  await rename(part, file);
}

try {
  await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exit(1);
}
