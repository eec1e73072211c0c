import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ServerRecord } from '@assay/lib/domain';
import type { Connect, ModelEndpoint } from '../ports.ts';
import { httpClient } from './http-client.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiCompletions } from './openai-completions.ts';
import { modelsOf, objectOf, tokenIdsOf, tokenizerInfoOf } from './openai-reply.ts';
import { silentAbout } from './silent-about.ts';

export interface EndpointOptions {
  /** The key of that name. */
  readonly key: (secret: string) => Promise<string>;
  readonly mostBytes: number;
  readonly onStatus: (status: number) => void;
  readonly now: () => number;
}

/** Endpoints that speak the OpenAI API, with the tokenizer routes of vLLM where they are offered. */
export function openaiEndpoints(options: EndpointOptions): Connect {
  return async (server) => openaiEndpoint(server, await keyOf(server, options), options);
}

function openaiEndpoint(server: ServerRecord, key: string | null, options: EndpointOptions): ModelEndpoint {
  const url = new URL(server.baseUrl);
  const base = url.pathname.replace(/\/+$/, '');
  // The tokenizer routes lie beside `/v1`, not under it.
  const root = base.replace(/\/v1$/, '');
  const client = httpClient({
    origin: url.origin,
    connections: Math.max(1, server.ceiling) + 1,
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
    mostBytes: options.mostBytes,
    onStatus: options.onStatus,
    now: options.now,
  });
  const http = key === null ? client : silentAbout(key, client);
  return {
    ...openaiCompletions(http, base, server.model),
    ...openaiChat(http, base, server.model),
    async models(control) {
      const reply = objectOf(await http.get(`${base}/models`, control));
      return reply.ok ? modelsOf(reply.value) : reply;
    },
    async tokenizer(control) {
      const reply = objectOf(await http.get(`${root}/tokenizer_info`, control));
      return reply.ok ? tokenizerInfoOf(reply.value) : reply;
    },
    async tokenize(text, control) {
      const body = JSON.stringify({ prompt: text, add_special_tokens: false });
      const reply = objectOf(await http.post(`${root}/tokenize`, body, control));
      return reply.ok ? tokenIdsOf(reply.value) : reply;
    },
    close: () => http.close(),
  };
}

async function keyOf(server: ServerRecord, { key }: EndpointOptions): Promise<string | null> {
  return server.secret === undefined ? null : (await key(server.secret)).trim();
}

/** Keys as files of a folder that is shared with the scheduler. */
export function folderKeys(folder: string): EndpointOptions['key'] {
  return (secret) => readFile(path.join(folder, path.basename(secret)), 'utf8');
}
