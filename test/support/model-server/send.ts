import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultRule } from './behaviour.ts';

export function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const length = String(Buffer.byteLength(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers });
  response.end(body);
}

/**
 * Sends `body`, the right answer, with the fault. Gives the status that went out (0: none) and whether the answer
 * went out whole.
 */
export async function sendFaulty(
  response: ServerResponse,
  rule: FaultRule,
  body: string,
  retryAfter: Readonly<Record<string, string>>,
): Promise<{ status: number; whole: boolean }> {
  switch (rule.mode) {
    case 'status': {
      const status = rule.status ?? 500;
      sendJson(response, status, '{"error":{"message":"scripted fault","type":"server_error"}}', retryAfter);
      return { status, whole: false };
    }
    case 'garbage':
      sendJson(response, 200, '<html>not what you asked for</html>');
      return { status: 200, whole: false };
    case 'empty':
      sendJson(response, 200, '{"object":"text_completion","choices":[]}');
      return { status: 200, whole: false };
    case 'huge':
      sendJson(response, 200, withText(body, 'x'.repeat(rule.bytes ?? 1_048_576)));
      return { status: 200, whole: true };
    case 'surrogates':
      sendJson(response, 200, withText(body, 'a\\ud800b\\udc00c\\u0000d'));
      return { status: 200, whole: true };
    case 'invalid-utf8':
      return sendInvalid(response, body);
    case 'half':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(body.length) });
      response.write(body.slice(0, body.length / 2), () => response.destroy());
      return { status: 200, whole: false };
    case 'reset':
      response.destroy();
      return { status: 0, whole: false };
    case 'silent':
      await gone(response);
      return { status: 0, whole: false };
    case 'drip':
      return sendDrip(response, body, rule.pauseMs ?? 50);
  }
}

// The first text of the answer, replaced; `text` is already escaped for JSON.
function withText(body: string, text: string): string {
  return body.replace(/"(text|content)":"(?:[^"\\]|\\.)*"/, (_all, name: string) => `"${name}":"${text}"`);
}

function sendInvalid(response: ServerResponse, body: string): { status: number; whole: boolean } {
  const [before = '', after = ''] = withText(body, '|MARK|').split('|MARK|');
  const bytes = Buffer.concat([
    Buffer.from(`${before}a`),
    Buffer.from([0xff, 0xfe, 0xc3]),
    Buffer.from(`b${after}`),
  ]);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(bytes.length) });
  response.end(bytes);
  return { status: 200, whole: true };
}

async function sendDrip(response: ServerResponse, body: string, pauseMs: number) {
  response.writeHead(200, { 'content-type': 'application/json' });
  for (let at = 0; at < body.length; at += 8) {
    if (response.destroyed) return { status: 200, whole: false };
    response.write(body.slice(at, at + 8));
    await sleep(pauseMs);
  }
  response.end();
  return { status: 200, whole: true };
}

function gone(response: ServerResponse): Promise<void> {
  return new Promise((done) => void response.once('close', () => done()));
}
