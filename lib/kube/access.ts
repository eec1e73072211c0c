import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AssayError } from '../errors.ts';
import type { Clock } from '../clock.ts';

export interface Tls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Where the API server is, and as whom we come. */
export interface Access {
  readonly server: URL;
  /** Of the kubeconfig's context, or our own inside a cluster. */
  readonly namespace: string | undefined;
  tls(): Tls;
  headers(): Promise<Readonly<Record<string, string>>>;
  /** Reads everything again: the API server did not know us. */
  refresh(): Promise<void>;
}

interface Loaded {
  readonly server: string;
  readonly namespace?: string;
  readonly tokenFile?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly auth?: string;
  readonly tls: Tls;
}

/** Tokens in files are changed by the kubelet well before they end. */
const TOKEN_MS = 60_000;
const LOAD_MS = 30_000;

/** Reads a kubeconfig, or what a pod has when there is none. Throws INVALID_REQUEST when it cannot be used. */
export async function openAccess(options: {
  readonly kubeconfig?: string;
  readonly clock: Clock;
}): Promise<Access> {
  const { kubeconfig, clock } = options;
  let loaded = await load(kubeconfig);
  let token = { text: '', readAt: -Infinity };

  async function bearer(file: string): Promise<string> {
    if (clock.monotonic() - token.readAt > TOKEN_MS)
      token = { text: (await readFile(file, 'utf8')).trim(), readAt: clock.monotonic() };
    return token.text;
  }

  return {
    server: new URL(loaded.server),
    namespace: loaded.namespace,
    tls: () => loaded.tls,
    async headers() {
      if (loaded.tokenFile !== undefined)
        return { ...loaded.headers, Authorization: `Bearer ${await bearer(loaded.tokenFile)}` };
      if (loaded.auth === undefined) return loaded.headers;
      return { ...loaded.headers, Authorization: `Basic ${Buffer.from(loaded.auth).toString('base64')}` };
    },
    async refresh() {
      token = { text: '', readAt: -Infinity };
      if (loaded.tokenFile === undefined) loaded = await load(kubeconfig);
    },
  };
}

async function load(kubeconfig: string | undefined): Promise<Loaded> {
  const script = fileURLToPath(new URL('kubeconfig-process.ts', import.meta.url));
  try {
    const args = kubeconfig === undefined ? [script] : [script, kubeconfig];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      timeout: LOAD_MS,
      maxBuffer: 2 ** 24,
    });
    return JSON.parse(stdout) as Loaded;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    const line = /^\w*Error.*$/m.exec(said)?.[0] ?? said.slice(0, 500);
    const what = kubeconfig === undefined ? 'what a pod has to reach its cluster' : kubeconfig;
    throw new AssayError('INVALID_REQUEST', `${what} cannot be used: ${line}`, { cause: error });
  }
}
