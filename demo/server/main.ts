import { rename, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { chatRenderer } from './chat-template.ts';
import { compile } from './compile.ts';
import { createEngine, readsTheSame } from './engine.ts';
import { createApi } from './http.ts';
import { loadModel } from './llama.ts';
import { createQueue } from './queue.ts';
import { readSettings, USAGE } from './settings.ts';
import { warmUp } from './warm-up.ts';

// A sentence for the start-up check of the machine's arithmetic.
const PROBE = 'One two three four five six seven eight nine ten eleven twelve thirteen fourteen. '.repeat(4);
const FORCED_EXIT_MS = 3_000;

async function main(): Promise<void> {
  const startedAt = new Date().toISOString();
  const options = readSettings(process.argv.slice(2), process.env);
  const begun = performance.now();
  const stop = new AbortController();
  let server: Server | undefined;
  // As the first process of a container it would otherwise not hear them.
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      stop.abort(new Error(signal));
      if (server === undefined) process.exit(0);
      setTimeout(() => process.exit(0), FORCED_EXIT_MS).unref();
      server.close(() => process.exit(0));
      server.closeIdleConnections();
    });
  if (options.compile !== null) {
    const made = await compile(options.weights, options.compile, stop.signal);
    console.log(`compiled: ${made} new files in ${options.compile.folder}`);
  }
  const model = await loadModel({ ...options, path: options.weights });
  const { vocabulary, sequence } = model;
  const reuse = await readsTheSame(sequence, vocabulary.tokenize(PROBE));
  const served = {
    modelId: options.modelId,
    contextLength: options.contextLength,
    vocabulary,
    engine: createEngine(sequence, reuse),
    chatTemplate: model.chatTemplate,
    renderChat: chatRenderer(model.chatTemplate, vocabulary),
  };
  const queue = createQueue(options.queue);
  const api = createApi(served, queue, stop.signal, options.key);
  server = api;
  await new Promise<void>((resolve, reject) => {
    api.once('error', reject);
    api.listen(options.port, options.host, resolve);
  });
  const address = api.address();
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
  if (options.compile === null) return;
  try {
    await warmUp(served, queue, { cache: options.compile.folder, temporary: tmpdir() }, stop.signal);
    console.log('warm');
  } catch (error) {
    // It answers all the same.
    if (!stop.signal.aborted)
      console.error(`not warm: ${error instanceof Error ? error.message : String(error)}`);
  }
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
