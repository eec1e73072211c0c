import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { answerChat, answerCompletion } from './openai.ts';
import type { Served } from './openai.ts';
import { QueueFull } from './queue.ts';
import type { Queue } from './queue.ts';
import {
  chatRequest,
  completionRequest,
  detokenizeRequest,
  parse,
  RequestError,
  tokenizeRequest,
} from './requests.ts';

const BODY_BYTES = 16 * 1024 * 1024;
const RETRY_AFTER_S = 1;

type Handler = (body: unknown, signal: AbortSignal) => Promise<object> | object;

/**
 * The OpenAI API (`/v1`) and the tokenizer routes of vLLM. `stop` ends what is in hand with 503. `key` is what every request
 * but `GET /health` must bear; null: nothing.
 */
export function createApi(
  served: Served,
  queue: Queue,
  stop: AbortSignal,
  key: string | null = null,
): Server {
  const routes = routesOf(served, queue);
  const bears = key === null ? () => true : bearerOf(key);
  return createServer((request, response) => {
    void answer({ routes, bears, stop }, request, response);
  });
}

// Hashes are of one length, as a comparison in constant time wants.
function bearerOf(key: string): (request: IncomingMessage) => boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const right = hash(`Bearer ${key}`);
  return ({ headers }) => timingSafeEqual(hash(headers.authorization ?? ''), right);
}

function routesOf(served: Served, queue: Queue): ReadonlyMap<string, Handler> {
  const { vocabulary, modelId, contextLength } = served;
  const created = Math.floor(Date.now() / 1000);
  const model = { id: modelId, object: 'model', created, owned_by: 'assay', max_model_len: contextLength };
  return new Map<string, Handler>([
    ['GET /health', () => ({ status: 'ok', model: modelId, waiting: queue.waiting })],
    ['GET /v1/models', () => ({ object: 'list', data: [model] })],
    [
      'GET /tokenizer_info',
      () => ({
        tokenizer_class: 'GGUF',
        bos_token: vocabulary.bos,
        eos_token: vocabulary.eos,
        add_bos_token: vocabulary.prependsBos,
        model_max_length: contextLength,
        chat_template: served.chatTemplate,
      }),
    ],
    ['POST /tokenize', (body) => tokenize(served, body)],
    [
      'POST /detokenize',
      (body) => {
        const { tokens } = parse(detokenizeRequest, body);
        const wrong = tokens.findIndex((token) => token >= vocabulary.size);
        if (wrong === -1) return { prompt: vocabulary.detokenize(tokens, true) };
        const param = `tokens.${wrong}`;
        throw new RequestError(400, `${param}: is not below ${vocabulary.size}`, { param });
      },
    ],
    [
      'POST /v1/completions',
      (body, signal) => {
        const request = parse(completionRequest, body);
        checkModel(served, request.model);
        return queue.run(() => answerCompletion(served, request, signal), signal);
      },
    ],
    [
      'POST /v1/chat/completions',
      (body, signal) => {
        const request = parse(chatRequest, body);
        checkModel(served, request.model);
        return queue.run(() => answerChat(served, request, signal), signal);
      },
    ],
  ]);
}

function tokenize(served: Served, body: unknown): object {
  const request = parse(tokenizeRequest, body);
  if ((request.prompt === undefined) === (request.messages === undefined))
    throw new RequestError(400, 'prompt: give either prompt or messages', { param: 'prompt' });
  const { vocabulary } = served;
  const text =
    request.prompt ?? served.renderChat(request.messages ?? [], request.add_generation_prompt ?? true);
  const special = request.prompt !== undefined && (request.add_special_tokens ?? true);
  const bos = special && vocabulary.prependsBos && vocabulary.bos !== null ? vocabulary.bos : '';
  const tokens = vocabulary.tokenize(bos + text);
  return { tokens, count: tokens.length, max_model_len: served.contextLength };
}

function checkModel(served: Served, asked: string | undefined): void {
  if (asked === undefined || asked === served.modelId) return;
  throw new RequestError(
    404,
    `The model \`${asked}\` does not exist: this server has \`${served.modelId}\`.`,
    {
      param: 'model',
      code: 'model_not_found',
    },
  );
}

interface Answering {
  readonly routes: ReadonlyMap<string, Handler>;
  /** Whether a request bears the key. */
  readonly bears: (request: IncomingMessage) => boolean;
  readonly stop: AbortSignal;
}

async function answer(
  { routes, bears, stop }: Answering,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort(new Error('the client is gone')));
  try {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path !== '/health' && !bears(request))
      throw new RequestError(401, 'the key is missing or wrong', { code: 'invalid_api_key' });
    const handler = routes.get(`${request.method} ${path}`);
    if (handler === undefined) throw new RequestError(404, `no such route: ${request.method} ${path}`);
    const body = request.method === 'POST' ? await readJson(request) : undefined;
    send(response, 200, await handler(body, AbortSignal.any([gone.signal, stop])));
  } catch (error) {
    if (!gone.signal.aborted) sendError(response, error, stop.aborted);
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const piece = Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > BODY_BYTES) throw new RequestError(413, `the body is larger than ${BODY_BYTES} bytes`);
    chunks.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new RequestError(400, 'the body is not JSON', { param: 'body' });
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function sendError(response: ServerResponse, error: unknown, stopping: boolean): void {
  const tell = (
    status: number,
    message: string,
    type: string,
    param: string | null,
    code: string | null,
  ): void =>
    send(
      response,
      status,
      { error: { message, type, param, code } },
      status === 429 || status === 503 ? { 'retry-after': String(RETRY_AFTER_S) } : {},
    );
  if (error instanceof RequestError)
    tell(error.status, error.message, 'invalid_request_error', error.param, error.code);
  else if (error instanceof QueueFull)
    tell(429, `the queue is full: ${error.message}`, 'rate_limit_error', null, 'rate_limit_exceeded');
  else if (stopping) tell(503, 'the server is stopping', 'server_error', null, 'stopping');
  else tell(500, error instanceof Error ? error.message : String(error), 'server_error', null, null);
}
