import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readAsked, Refusal, respond, type Asked, type Script } from './answers.ts';
import { type Behaviour, faultOf } from './behaviour.ts';
import { Counts, promptKey } from './counts.ts';
import { sendFaulty, sendJson } from './send.ts';
import { decode, encode, EOS } from './tokens.ts';

/** The state of one scripted server. */
export interface Scripted {
  behaviour: Behaviour;
  readonly counts: Counts;
  readonly script: Script | undefined;
}

export function createScriptedServer(scripted: Scripted): Server {
  const server = createServer((request, response) => {
    handle(scripted, request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) response.destroy();
      else if (error instanceof Refusal) refuse(response, error);
      else sendJson(response, 500, JSON.stringify({ error: { message: String(error) } }));
    });
  });
  server.keepAliveTimeout = 120_000;
  return server;
}

async function handle(scripted: Scripted, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/';
  if (path.startsWith('/admin/')) return admin(scripted, request, response);
  const { behaviour } = scripted;
  if (behaviour.down) return sendJson(response, 503, '{"error":{"message":"down"}}', retryAfter(behaviour));
  if (path === '/health') return sendJson(response, 200, '{"status":"ok"}');
  const { apiKey } = behaviour;
  if (apiKey !== null && request.headers.authorization !== `Bearer ${apiKey}`) {
    return refuse(response, new Refusal(401, 'wrong key', 'invalid_api_key'));
  }
  if (path === '/v1/completions' || path === '/v1/chat/completions') {
    return answer(scripted, path, await readBody(request), response);
  }
  await aside(scripted, path, request, response);
}

async function answer(
  scripted: Scripted,
  path: string,
  text: string,
  response: ServerResponse,
): Promise<void> {
  const { counts } = scripted;
  let body: Record<string, unknown>;
  let asked: Asked;
  try {
    body = objectOf(text);
    asked = readAsked(path, body, scripted.behaviour);
  } catch (error) {
    counts.status(error instanceof Refusal ? error.status : 500);
    throw error;
  }
  const key = promptKey(asked.prompt, asked.seed);
  const busy = counts.inFlight;
  const nth = counts.begin(key);
  let sent = { status: 0, whole: false };
  try {
    sent = await produce(scripted, asked, nth, busy, response);
  } catch (error) {
    sent = { status: error instanceof Refusal ? error.status : 500, whole: false };
    throw error;
  } finally {
    counts.end(key, sent.status, sent.whole);
  }
}

// The limit counts requests that are being answered; what is refused never was.
async function produce(
  scripted: Scripted,
  asked: Asked,
  nth: number,
  busy: number,
  response: ServerResponse,
): Promise<{ status: number; whole: boolean }> {
  const { behaviour } = scripted;
  if (behaviour.limit > 0 && busy >= behaviour.limit) {
    const body = '{"error":{"message":"too many requests","type":"rate_limit_error"}}';
    sendJson(response, 429, body, retryAfter(behaviour));
    return { status: 429, whole: false };
  }
  const body = JSON.stringify(respond(asked, behaviour, scripted.script));
  if (behaviour.delayMs > 0) await new Promise<void>((done) => void setTimeout(done, behaviour.delayMs));
  const rule = faultOf(behaviour.faults, asked.prompt, nth);
  if (rule !== undefined) return sendFaulty(response, rule, body, retryAfter(behaviour));
  if (response.destroyed) return { status: 0, whole: false };
  sendJson(response, 200, body);
  return { status: 200, whole: true };
}

// Models and tokenizer: not counted as requests for an answer.
async function aside(
  scripted: Scripted,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { behaviour, counts } = scripted;
  const told = behaviour.tellsContextLength ? behaviour.contextLength : undefined;
  if (path === '/v1/models') {
    const model = { id: behaviour.model, object: 'model', owned_by: 'scripted', max_model_len: told };
    return sendJson(response, 200, JSON.stringify({ object: 'list', data: [model] }));
  }
  if (!behaviour.tokenizer) throw new Refusal(404, `no such route: ${path}`);
  switch (path) {
    case '/tokenizer_info': {
      const info = { tokenizer_class: 'Scripted', eos_token: EOS, bos_token: null, model_max_length: told };
      return sendJson(response, 200, JSON.stringify(info));
    }
    case '/tokenize': {
      counts.tokenized();
      const { prompt } = objectOf(await readBody(request));
      if (typeof prompt !== 'string') throw new Refusal(400, 'prompt: must be a string');
      const tokens = encode(prompt);
      return sendJson(response, 200, JSON.stringify({ tokens, count: tokens.length, max_model_len: told }));
    }
    case '/detokenize': {
      const { tokens } = objectOf(await readBody(request));
      const ids: unknown[] = Array.isArray(tokens) ? tokens : [];
      const prompt = decode(ids.filter((id) => typeof id === 'number'));
      return sendJson(response, 200, JSON.stringify({ prompt }));
    }
    default:
      throw new Refusal(404, `no such route: ${path}`);
  }
}

async function admin(scripted: Scripted, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  switch (pathname) {
    case '/admin/counts': {
      const counts = scripted.counts.snapshot(searchParams.get('prompts') !== '0');
      return sendJson(response, 200, JSON.stringify(counts));
    }
    case '/admin/behaviour':
      scripted.behaviour = { ...scripted.behaviour, ...objectOf(await readBody(request)) };
      return sendJson(response, 200, JSON.stringify(scripted.behaviour));
    case '/admin/reset':
      scripted.counts.reset();
      return sendJson(response, 200, '{}');
    default:
      throw new Refusal(404, `no such route: ${pathname}`);
  }
}

function retryAfter({ retryAfter: value }: Behaviour): Record<string, string> {
  return value === null ? {} : { 'retry-after': value };
}

function refuse(response: ServerResponse, { status, message, code }: Refusal): void {
  sendJson(response, status, JSON.stringify({ error: { message, type: 'invalid_request_error', code } }));
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () =>
      resolve((chunks.length === 1 ? (chunks[0] ?? '') : Buffer.concat(chunks)).toString()),
    );
    request.on('error', reject);
  });
}

function objectOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw new Refusal(400, 'the body is not an object');
  return { ...value };
}
