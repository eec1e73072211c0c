import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readRuntimeSpec } from './runtime-spec.ts';

export const USAGE = `node main.ts --model FILE.gguf [options]
  --model-id ID     name in /v1/models and in requests (default: the file's name)
  --host HOST       default 127.0.0.1
  --port PORT       default 0: any free port
  --threads N       default: the machine's cores, at most 4
  --context N       tokens of prompt and answer together (default 2048)
  --queue N         requests that may wait; beyond it 429 (default 64)
  --announce FILE   written when the server is ready: {"port", "url", "model", "pid", "startedAt"}

node main.ts --model REPO --tt-device DEVICE [options]
  As the container of a device's server: port 8000 of every address; the environment says the rest.
  MODEL_WEIGHTS_DIR              folder with the GGUF file of REPO; only read
  RUNTIME_MODEL_SPEC_JSON_PATH   the model's spec, which must be of REPO and DEVICE; gives the context length
  CACHE_ROOT                     folder of the compiled model (default /home/container_app_user/cache_root)
  DEMO_CACHE_PIECE_MS            for tests: how long a piece of it takes (default 0)
  DEMO_CACHE_STALLS_AFTER        for tests: pieces after which it never grows again

VLLM_API_KEY, when set, is what every request but GET /health must bear.`;

export interface Settings {
  readonly weights: string;
  readonly modelId: string;
  readonly host: string;
  readonly port: number;
  readonly threads: number;
  readonly contextLength: number;
  readonly queue: number;
  readonly announce: string | undefined;
  /** What requests must bear; null: nothing. */
  readonly key: string | null;
  /** Where and how the model is compiled before it is served; null: it is not. */
  readonly compile: CompileSettings | null;
}

export interface CompileSettings {
  readonly folder: string;
  readonly pieceMs: number;
  /** Pieces after which it stalls for good; null: never. */
  readonly stallsAfter: number | null;
}

const CONTEXT = 2048;
const CACHE_ROOT = '/home/container_app_user/cache_root';
const CONTAINER_PORT = 8000;

/** From the command line and the environment. Throws an error that names what is wrong. */
export function readSettings(args: readonly string[], env: NodeJS.ProcessEnv): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string' },
      'tt-device': { type: 'string' },
      'model-id': { type: 'string' },
      host: { type: 'string' },
      port: { type: 'string' },
      threads: { type: 'string' },
      context: { type: 'string' },
      queue: { type: 'string' },
      announce: { type: 'string' },
    },
  });
  const { model, 'tt-device': device } = values;
  if (model === undefined) throw new Error('--model is missing');
  const contained = device === undefined ? null : containerOf(model, device, env);
  return {
    weights: contained?.weights ?? model,
    modelId: values['model-id'] ?? (contained === null ? nameOf(model) : model),
    host: values.host ?? (contained === null ? '127.0.0.1' : '0.0.0.0'),
    port: whole('--port', values.port, 0, 65_535) ?? (contained === null ? 0 : CONTAINER_PORT),
    threads: whole('--threads', values.threads, 1, 256) ?? Math.min(4, availableParallelism()),
    contextLength: whole('--context', values.context, 16, 1_048_576) ?? contained?.contextLength ?? CONTEXT,
    queue: whole('--queue', values.queue, 0, 100_000) ?? 64,
    announce: values.announce,
    key: env['VLLM_API_KEY'] === undefined || env['VLLM_API_KEY'] === '' ? null : env['VLLM_API_KEY'],
    compile: contained?.compile ?? null,
  };
}

function containerOf(repo: string, device: string, env: NodeJS.ProcessEnv) {
  const folder = env['MODEL_WEIGHTS_DIR'];
  if (folder === undefined) throw new Error('MODEL_WEIGHTS_DIR is missing: weights are never downloaded');
  const file = env['RUNTIME_MODEL_SPEC_JSON_PATH'];
  const spec = file === undefined ? null : readRuntimeSpec(readFileSync(file, 'utf8'), { repo, device });
  const root = env['CACHE_ROOT'] ?? CACHE_ROOT;
  return {
    weights: weightsIn(folder),
    contextLength: spec?.contextLength ?? null,
    compile: {
      folder: path.join(root, 'tt_metal_cache', `cache_${nameOf(repo)}`, device),
      pieceMs: whole('DEMO_CACHE_PIECE_MS', env['DEMO_CACHE_PIECE_MS'], 0, 600_000) ?? 0,
      stallsAfter: whole('DEMO_CACHE_STALLS_AFTER', env['DEMO_CACHE_STALLS_AFTER'], 0, 1_000_000) ?? null,
    },
  };
}

function weightsIn(folder: string): string {
  const files = readdirSync(folder).filter((name) => name.endsWith('.gguf'));
  const [file] = files;
  if (file === undefined || files.length > 1)
    throw new Error(`MODEL_WEIGHTS_DIR ${folder} has ${files.length} GGUF files, and one is needed`);
  return path.join(folder, file);
}

function nameOf(model: string): string {
  return path.basename(model, '.gguf');
}

function whole(name: string, given: string | undefined, least: number, most: number): number | undefined {
  if (given === undefined) return undefined;
  const number = Number(given);
  if (given !== '' && Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${name} takes a whole number from ${least} to ${most}, not ${given}`);
}
