import { execFile, spawn } from 'node:child_process';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const HOME = path.join(import.meta.dirname, '../../..');
const COPIED = ['scripts', 'package.json', 'package-lock.json', '.npmrc'];

// What an `npm ci` that works leaves behind, for each of our folders.
const NPM = `#!/bin/sh
echo "npm $(basename "$PWD") $*" >> "$CALLS"
if [ -n "$NPM_SAYS" ]; then echo "$NPM_SAYS" >&2; exit 1; fi
mkdir -p node_modules/half-done
if [ -n "$NPM_WAITS_FOR" ]; then while [ ! -e "$NPM_WAITS_FOR" ]; do sleep 0.05; done; fi
mkdir -p node_modules/node node_modules/.bin
printf '{"version":"%s"}' "$NODE_VERSION" > node_modules/node/package.json
ln -sf "$NODE" node_modules/.bin/node
for name in linux-x64 linux-arm64; do
  mkdir -p "node_modules/@node-llama-cpp/$name"
  echo '{}' > "node_modules/@node-llama-cpp/$name/package.json"
done
`;

// The real Python, whose pip a test may replace.
const PYTHON = `#!/bin/sh
if [ "$1" = -c ] && [ -n "$PYTHON_VERSION" ]; then echo "$PYTHON_VERSION"; exit; fi
if [ "$2" = pip ]; then
  echo "pip $*" >> "$CALLS"
  if [ -n "$PIP_SAYS" ]; then echo half > "$TMPDIR/half-a-wheel"; echo "$PIP_SAYS" >&2; exit 1; fi
fi
exec "$PYTHON" "$@"
`;

export interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly ended: Promise<Run>;
  said(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

/** A checkout of the set-up alone, with an npm of its own and pip fed from a folder: nothing reaches a network. */
export interface Clone {
  readonly root: string;
  readonly wheels: string;
  start(parts: readonly string[], env?: Readonly<Record<string, string>>): Running;
  run(parts: readonly string[], env?: Readonly<Record<string, string>>): Promise<Run>;
  /** npm and pip as they were called, since the last time this was asked. */
  calls(): Promise<string[]>;
  /** Everything under the state folder but the log, as paths. */
  state(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function makeClone(): Promise<Clone> {
  const root = await realpath(await mkdtemp(path.join(tmpdir(), 'assay-clone-')));
  const bin = path.join(root, 'bin');
  const wheels = path.join(root, 'wheels');
  const calls = path.join(root, 'calls');
  for (const name of COPIED) await cp(path.join(HOME, name), path.join(root, name), { recursive: true });
  await cp(path.join(HOME, 'demo/server'), path.join(root, 'demo/server'), {
    recursive: true,
    filter: (source) => !path.relative(HOME, source).split(path.sep).includes('node_modules'),
  });
  await mkdir(bin);
  await mkdir(wheels);
  for (const [name, text] of [
    ['npm', NPM],
    ['python3', PYTHON],
  ] as const) {
    await writeFile(path.join(bin, name), text);
    await chmod(path.join(bin, name), 0o755);
  }
  const base = await environment(bin, wheels, calls);
  const start = (parts: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    launch(root, parts, { ...base, ...env });
  return {
    root,
    wheels,
    start,
    run: (parts, env) => start(parts, env).ended,
    async calls() {
      const text = await readFile(calls, 'utf8').catch(() => '');
      await rm(calls, { force: true });
      return text.split('\n').filter(Boolean);
    },
    async state() {
      const all = await readdir(path.join(root, '.assay'), { recursive: true }).catch(() => []);
      return all.filter((name) => name !== 'setup.log').sort();
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

async function environment(bin: string, wheels: string, calls: string): Promise<Record<string, string>> {
  const { version } = JSON.parse(
    await readFile(path.join(HOME, 'node_modules/node/package.json'), 'utf8'),
  ) as {
    version: string;
  };
  const tools = path.join(bin, 'system');
  await mkdir(tools);
  // Only what the fakes need: no npm, python3 or nats-server of this machine may answer in their place.
  for (const name of ['sh', 'basename', 'mkdir', 'ln', 'sleep', 'cat', 'uname']) {
    const found = await find(name);
    if (found !== null) await symlink(found, path.join(tools, name));
  }
  return {
    PATH: `${bin}:${tools}`,
    HOME: bin,
    CALLS: calls,
    NODE: process.execPath,
    NODE_VERSION: version,
    PYTHON: (await promisify(execFile)('python3', ['-c', 'import sys; print(sys.executable)'])).stdout.trim(),
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: wheels,
    PIP_NO_CACHE_DIR: '1',
  };
}

async function find(program: string): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = await realpath(path.join(folder, program)).catch(() => null);
    if (file !== null) return file;
  }
  return null;
}

function launch(root: string, parts: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, ['scripts/setup/main.mjs', ...parts], { cwd: root, env: { ...env } });
  let out = '';
  let err = '';
  const listeners = new Set<() => void>();
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
    for (const listener of listeners) listener();
  });
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  const ended = new Promise<Run>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
  return {
    ended,
    signal: (name) => void child.kill(name),
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (out.includes(text)) resolve();
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`it ended without saying "${text}": ${out}${err}`)));
      }),
  };
}
