import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { program, type AssayProcess } from '../support/assay-process.ts';
import { sha256, startHub, type Hub, type HubOptions, type HubRequest } from '../support/hub.ts';
import { HOME } from '../support/stack.ts';

export const MIB = 1024 * 1024;
export const REPO = 'owner/model';
export const ONE = 'weights/one.gguf';
export const TWO = 'weights/two.gguf';
export const FILES = {
  'config.json': Buffer.from('{"a": 1}'),
  [ONE]: randomBytes(4 * MIB),
  [TWO]: randomBytes(2 * MIB),
} as const;

export interface Progress {
  readonly bytes: number;
  readonly totalBytes: number | null;
  readonly files: number;
  readonly lastGrowth: string | null;
  readonly detail: string;
}

/** A program of a pod, as a process. */
export interface Inside extends AssayProcess {
  /** What it left in its termination log. */
  words(): Promise<{ readonly reason: string; readonly message: string } | null>;
  progress(): Promise<Progress>;
  get(route: string): Promise<{ readonly status: number; readonly body: string }>;
}

type Settings = Readonly<Record<string, string>>;

/** A hub, a volume, and the programs that work on it. */
export class WeightsWorld {
  readonly root: string;
  readonly hub: Hub;
  /** The model's, in a volume. */
  readonly folder: string;
  readonly #begun: AssayProcess[] = [];

  private constructor(root: string, hub: Hub) {
    this.root = root;
    this.hub = hub;
    this.folder = path.join(root, 'volume', 'model');
  }

  static async open(options: Partial<HubOptions> = {}): Promise<WeightsWorld> {
    const root = await mkdtemp(path.join(tmpdir(), 'assay-weights-'));
    const hub = await startHub({ repo: REPO, revision: 'main', files: FILES, large: [ONE, TWO], ...options });
    return new WeightsWorld(root, hub);
  }

  async close(): Promise<void> {
    for (const { child } of this.#begun) child.kill('SIGKILL');
    await Promise.all(this.#begun.map(({ ended }) => ended));
    await this.hub.close();
    await rm(this.root, { recursive: true, force: true });
  }

  weights(settings: Settings = {}): Inside {
    const own = {
      WEIGHTS_HUB: this.hub.url,
      WEIGHTS_REPO: REPO,
      WEIGHTS_REVISION: 'main',
      WEIGHTS_FILES: '',
      WEIGHTS_FOLDER: this.folder,
      WEIGHTS_TAKE_OVER: '4s',
      WEIGHTS_SILENCE: '30s',
      WEIGHTS_PATIENCE: '20s',
    };
    return this.#start('weights', { ...own, ...settings });
  }

  watch(settings: Settings): Inside {
    return this.#start('watch', settings);
  }

  #start(name: 'weights' | 'watch', { HUB_TOKEN, ...settings }: Settings): Inside {
    const number = this.#begun.length;
    const [words, announced] = [
      path.join(this.root, `words-${number}`),
      path.join(this.root, `at-${number}`),
    ];
    const common = {
      TERMINATION_LOG: words,
      ANNOUNCE_FILE: announced,
      HOST: '127.0.0.1',
      PROGRESS_PORT: '0',
    };
    const env = Object.entries({ ...common, ...settings }).map(([key, value]) => [`ASSAY_${key}`, value]);
    const process = program(path.join(HOME, `services/scheduler/inside/${name}.ts`), [], {
      ...Object.fromEntries(env),
      ...(HUB_TOKEN !== undefined && { HUB_TOKEN }),
    });
    this.#begun.push(process);
    const get = async (route: string) => {
      await until('it announces itself', async () => existsSync(announced));
      const { ops } = JSON.parse(await readFile(announced, 'utf8')) as { readonly ops: string };
      const answer = await fetch(`http://${ops}${route}`);
      return { status: answer.status, body: await answer.text() };
    };
    return {
      ...process,
      get,
      words: async () => (existsSync(words) ? JSON.parse(await readFile(words, 'utf8')) : null),
      progress: async () => JSON.parse((await get('/progress')).body) as Progress,
    };
  }

  /** Every file is there and right, the folder says so, and nothing else is in it. */
  async expectAll(): Promise<void> {
    for (const [name, content] of Object.entries(FILES))
      expect(sha256(await readFile(path.join(this.folder, name)))).toBe(sha256(content));
    const complete: unknown = JSON.parse(await readFile(path.join(this.folder, '.complete.json'), 'utf8'));
    const files = Object.entries(FILES).map(([name, content]) => ({
      name,
      bytes: content.length,
      sha256: sha256(content),
    }));
    expect(complete).toMatchObject({ repo: REPO, revision: 'main', files });
    const names = await readdir(this.folder, { recursive: true });
    expect(names.toSorted()).toEqual(['.complete.json', 'weights', ...Object.keys(FILES)].toSorted());
  }

  /** What is there of the first large file. */
  async partBytes(): Promise<number> {
    const names = await readdir(path.join(this.folder, 'weights')).catch((): string[] => []);
    const part = names.find((name) => name.startsWith('one.gguf.'));
    return part === undefined ? 0 : (await stat(path.join(this.folder, 'weights', part))).size;
  }

  /** The hub sends half of the first large file to whoever asks first; the rest when `go` is called. */
  holdFirst(): { readonly go: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    let held = false;
    this.hub.fault = ({ name, route }) => {
      if (held || name !== ONE || route !== 'elsewhere') return null;
      held = true;
      return { hold: { afterBytes: 2 * MIB, until: promise } };
    };
    return { go: resolve };
  }

  /** Waits until the half is on the disk. */
  async halfThere(): Promise<void> {
    await until('half of it is there', async () => (await this.partBytes()) === 2 * MIB);
  }

  /** The requests that were sent bytes of a file. */
  bodies(name: string): readonly HubRequest[] {
    return this.hub.requests.filter((request) => request.name === name && request.sentBytes > 0);
  }

  sent(name: string): number {
    return this.bodies(name).reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  }
}

export async function until(what: string, fine: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await fine())) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(20);
  }
}
