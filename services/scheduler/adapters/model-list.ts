import { AssayError, passing } from '@assay/lib/errors';

export interface ListedModel {
  /** Tokens; 0 when the server does not say. */
  readonly contextLength: number;
}

const MOST_BYTES = 4 * 1024 * 1024;

/** Asks `GET <baseUrl>/models` whether the server is up and serves `model`; throws with the reason when not. */
export async function askModels(
  baseUrl: string,
  model: string,
  options: { readonly apiKey?: string; readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<ListedModel> {
  const signals = [
    AbortSignal.timeout(options.timeoutMs),
    ...(options.signal === undefined ? [] : [options.signal]),
  ];
  const response = await fetch(`${baseUrl}/models`, {
    headers: options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` },
    signal: AbortSignal.any(signals),
    redirect: 'error',
  }).catch((error: unknown) => {
    throw passing('ENDPOINT_UNREACHABLE', `${baseUrl}/models cannot be reached: ${causeOf(error)}`, error);
  });
  if (response.status === 401 || response.status === 403) {
    throw new AssayError(
      'ENDPOINT_UNAUTHORIZED',
      `${baseUrl} refuses the key (HTTP ${response.status}); send one with --api-key-env`,
    );
  }
  if (!response.ok)
    throw passing('ENDPOINT_UNREACHABLE', `${baseUrl}/models answers HTTP ${response.status}`);
  const ids = modelsOf(await bodyOf(response, baseUrl), baseUrl);
  const found = ids.find((listed) => listed.id === model);
  if (found === undefined) {
    const names = ids
      .map((listed) => listed.id)
      .slice(0, 10)
      .join(', ');
    throw new AssayError(
      'ENDPOINT_WRONG_MODEL',
      `${baseUrl} does not list "${model}"; it lists ${names === '' ? 'nothing' : names}`,
    );
  }
  return { contextLength: found.contextLength };
}

async function bodyOf(response: Response, baseUrl: string): Promise<unknown> {
  const text = await response.text().catch((error: unknown) => {
    throw passing('ENDPOINT_UNREACHABLE', `${baseUrl}/models broke off: ${causeOf(error)}`, error);
  });
  if (text.length > MOST_BYTES)
    throw passing('ENDPOINT_UNREACHABLE', `${baseUrl}/models answers ${text.length} characters`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw passing(
      'ENDPOINT_UNREACHABLE',
      `${baseUrl}/models does not answer JSON; is it an OpenAI-compatible base URL ending in /v1?`,
      error,
    );
  }
}

function modelsOf(body: unknown, baseUrl: string): { readonly id: string; readonly contextLength: number }[] {
  const data = typeof body === 'object' && body !== null && 'data' in body ? body.data : undefined;
  if (!Array.isArray(data))
    throw passing(
      'ENDPOINT_UNREACHABLE',
      `${baseUrl}/models has no "data" list; is it an OpenAI-compatible base URL ending in /v1?`,
    );
  return data.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('id' in entry) || typeof entry.id !== 'string')
      return [];
    const length = 'max_model_len' in entry ? entry.max_model_len : 0;
    return [{ id: entry.id, contextLength: typeof length === 'number' && length > 0 ? length : 0 }];
  });
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause : error;
  // https://fetch.spec.whatwg.org/#port-blocking
  if (cause.message === 'bad port') return 'the HTTP client refuses this port; serve on another one';
  return cause.message === '' && 'code' in cause ? String(cause.code) : cause.message;
}
