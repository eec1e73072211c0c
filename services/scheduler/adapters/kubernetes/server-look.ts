import { AssayError, passing } from '@assay/lib/errors';
import { askModels } from '../model-list.ts';
import { PROGRESS_PORT, SERVER_PORT } from './pod/names.ts';
import type { Progress } from './pod/seen.ts';

const ASK_MS = 5_000;
/** A first token can wait behind everything that a server does to become warm. */
const FIRST_TOKEN_MS = 60_000;
const MOST_BYTES = 64 * 1024;

export interface Health {
  /** It has given a token since its container started. */
  readonly answers: boolean;
  readonly fault: AssayError | null;
}

/** The address of a pod as a URL has it. */
export function originOf(ip: string, port: number): string {
  return `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
}

export function baseUrlOf(ip: string): string {
  return `${originOf(ip, SERVER_PORT)}/v1`;
}

/** What a program of ours in the pod says of its folder; null when it does not answer. */
export async function askProgress(ip: string, signal: AbortSignal): Promise<Progress | null> {
  try {
    const response = await fetch(`${originOf(ip, PROGRESS_PORT)}/progress`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]),
      redirect: 'error',
    });
    const text = await response.text();
    return response.ok && text.length < MOST_BYTES ? progressOf(JSON.parse(text)) : null;
  } catch {
    return null;
  }
}

/** Whether the server lists its model, and, until it has done so once, whether it gives a token. */
export async function askServer(
  ip: string,
  model: string,
  apiKey: string,
  options: { readonly needsToken: boolean; readonly signal: AbortSignal },
): Promise<Health> {
  const baseUrl = baseUrlOf(ip);
  const { signal, needsToken } = options;
  try {
    await askModels(baseUrl, model, { apiKey, timeoutMs: ASK_MS, signal });
    if (needsToken) await firstToken(baseUrl, model, apiKey, signal);
    return { answers: true, fault: null };
  } catch (error) {
    return { answers: false, fault: AssayError.from(error) };
  }
}

async function firstToken(
  baseUrl: string,
  model: string,
  apiKey: string,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(`${baseUrl}/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, prompt: 'a', max_tokens: 1, temperature: 0 }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(FIRST_TOKEN_MS)]),
    redirect: 'error',
  }).catch((error: unknown) => {
    throw passing('ENDPOINT_UNREACHABLE', `${baseUrl}: no first token: ${String(error)}`, error);
  });
  await response.body?.cancel();
  // A server of chats only has no such route, which the check of the job's tasks finds.
  if (response.status === 404 || response.status === 405 || response.ok) return;
  throw passing('ENDPOINT_UNREACHABLE', `${baseUrl}: no first token: HTTP ${response.status}`);
}

function progressOf(value: unknown): Progress | null {
  if (typeof value !== 'object' || value === null) return null;
  const { bytes, totalBytes, files, lastGrowth, detail } = value as Record<string, unknown>;
  if (typeof bytes !== 'number' || typeof files !== 'number') return null;
  return {
    bytes,
    files,
    totalBytes: typeof totalBytes === 'number' ? totalBytes : null,
    lastGrowth: typeof lastGrowth === 'string' && !Number.isNaN(Date.parse(lastGrowth)) ? lastGrowth : null,
    detail: typeof detail === 'string' ? detail.slice(0, 500) : '',
  };
}
