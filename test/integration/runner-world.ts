import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Blob, folderBlob } from '@assay/lib/blob';
import { type Bus, connectBus, SERVERS, STAGES } from '@assay/lib/bus';
import type {
  BlobRef,
  CheckValue,
  Generation,
  GenerationOutcome,
  PrepareValue,
  PreparedRequest,
  ServerRecord,
  ShardWork,
  StageAnswer,
} from '@assay/lib/domain';
import { createLog } from '@assay/lib/log';
import { type ModelServer, type ModelServerOptions, startModelServer } from '../support/model-server.ts';
import { type NatsServer, startNats } from '../support/nats.ts';

const P = 'p0';

/** A broker, a blob folder and a scripted model server; runners are real processes. */
export class RunnerWorld {
  readonly nats: NatsServer;
  readonly bus: Bus;
  readonly blob: Blob;
  readonly folder: string;
  readonly #models: ModelServer[] = [];
  readonly #runners = new Set<RunnerProcess>();
  #shards = 0;

  private constructor(nats: NatsServer, bus: Bus, folder: string) {
    this.nats = nats;
    this.bus = bus;
    this.folder = folder;
    this.blob = folderBlob(join(folder, 'blobs'));
  }

  static async start(): Promise<RunnerWorld> {
    const nats = await startNats();
    const log = createLog({ service: 'test', level: 'silent' });
    const bus = await connectBus({ url: nats.url, name: 'test', log });
    await bus.ensure(P, { generationsBytes: 256 * 1024 ** 2, scoresBytes: 64 * 1024 ** 2 });
    return new RunnerWorld(nats, bus, await mkdtemp(join(tmpdir(), 'assay-runner-')));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#runners].map((runner) => runner.kill()));
    await Promise.all(this.#models.map((model) => model.stop()));
    await this.bus.close();
    await this.nats.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Starts a model server and says in the directory where it is. */
  async model(key: string, options: ModelServerOptions = {}, record: Partial<ServerRecord> = {}) {
    const model = await startModelServer(options);
    this.#models.push(model);
    await this.announceModel(key, { baseUrl: model.url, ...record });
    return model;
  }

  async announceModel(key: string, record: Partial<ServerRecord>): Promise<void> {
    await this.bus.kv(SERVERS).put(key, {
      v: 1,
      key,
      kind: 'external',
      baseUrl: '',
      model: 'scripted',
      state: 'ready',
      reason: '',
      ceiling: 64,
      contextLength: 0,
      epoch: 1,
      updatedAt: new Date(0).toISOString(),
      ...record,
    });
  }

  async runner(env: Readonly<Record<string, string>> = {}): Promise<RunnerProcess> {
    const runner = await RunnerProcess.start(this, env);
    this.#runners.add(runner);
    return runner;
  }

  /** Puts the requests into one shard and publishes it. */
  async shard(job: string, requests: readonly PreparedRequest[], change: Partial<ShardWork> & Shape = {}) {
    const { longPrompt = 'truncate', firstDoc = 0, repeats = [0], ...more } = change;
    const lines = requests.map((request, i) => ({ doc: firstDoc + i, repeats, request }));
    const blob = await this.put({ v: 1, task: 'task', requests: lines, longPrompt });
    this.#shards += 1;
    const work: ShardWork = {
      v: 1,
      job,
      task: 'task',
      kind: 'score',
      n: this.#shards,
      bucket: 0,
      server: 'server',
      requests: blob,
      docs: blob,
      samples: lines.length * repeats.length,
      seed: 1234,
      maxConcurrency: 0,
      resume: false,
      ...more,
    };
    await this.bus.shards(P).publish(work);
    return work;
  }

  put(value: object): Promise<BlobRef> {
    return this.blob.put(Buffer.from(JSON.stringify(value)));
  }

  async generated(job: string): Promise<number> {
    const ledger = this.bus.generations(P);
    let count = 0;
    for await (const page of ledger.list(ledger.filter({ job }))) count += [...page].length;
    return count;
  }

  /** The job's generations once there are `count` of them, by document. */
  async generations(job: string, count: number, limitMs = 30_000): Promise<readonly Generation[]> {
    const ledger = this.bus.generations(P);
    await until(
      async () => (await this.generated(job)) >= count,
      limitMs,
      () => this.#logs(),
    );
    const found: Generation[] = [];
    for await (const page of ledger.list(ledger.filter({ job }))) {
      for (const subject of page) {
        const entry = await ledger.get(subject);
        if (entry !== null) found.push(entry);
      }
    }
    return found.toSorted((a, b) => a.doc - b.doc || a.repeat - b.repeat);
  }

  async outcomes(job: string, count: number): Promise<readonly GenerationOutcome[]> {
    const generations = await this.generations(job, count);
    return Promise.all(
      generations.map(async ({ outcome }) => ('blob' in outcome ? this.#read(outcome.blob) : outcome)),
    );
  }

  /** Resolves when every shard is acknowledged. */
  settled(): Promise<void> {
    return until(
      async () => (await this.bus.shards(P).outstanding({})) === 0,
      20_000,
      () => this.#logs(),
    );
  }

  async answer(key: string): Promise<StageAnswer<PrepareValue | CheckValue>> {
    const stages = this.bus.kv(STAGES);
    await until(
      async () => (await stages.get(key)) !== null,
      20_000,
      () => this.#logs(),
    );
    const entry = await stages.get(key);
    if (entry === null) throw new Error(`no answer ${key}`);
    return entry.value;
  }

  async #read(ref: BlobRef): Promise<GenerationOutcome> {
    return JSON.parse(Buffer.from(await this.blob.get(ref)).toString()) as GenerationOutcome;
  }

  #logs(): string {
    return [...this.#runners].map((runner) => runner.log).join('\n');
  }
}

interface Shape {
  readonly longPrompt?: 'truncate' | 'refuse';
  readonly firstDoc?: number;
  readonly repeats?: readonly number[];
}

/** `node services/runner/main.ts`. */
export class RunnerProcess {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  ops = '';
  log = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = new Promise((done) => void child.once('exit', (code) => done(code)));
    const keep = (chunk: Buffer) => (this.log = (this.log + chunk.toString()).slice(-16_384));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  static async start(world: RunnerWorld, env: Readonly<Record<string, string>>): Promise<RunnerProcess> {
    const announce = join(world.folder, `announce-${String(Math.random()).slice(2)}.json`);
    const main = resolve(import.meta.dirname, '../../services/runner/main.ts');
    const settings = {
      ASSAY_NATS_URL: world.nats.url,
      ASSAY_BLOB_DIR: join(world.folder, 'blobs'),
      ASSAY_SECRETS_DIR: join(world.folder, 'secrets'),
      ASSAY_ANNOUNCE_FILE: announce,
      ...env,
    };
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env['PATH'], ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const runner = new RunnerProcess(child);
    await until(
      async () => (await read(announce)) !== null,
      30_000,
      () => runner.log,
    );
    runner.ops = (JSON.parse((await read(announce)) ?? '{}') as { ops: string }).ops;
    return runner;
  }

  /** Resolves with the exit code. */
  async terminate(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#exit;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://${this.ops}/metrics`)).text();
  }
}

export async function until(
  condition: () => Promise<boolean>,
  limitMs: number,
  log: () => string = () => '',
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not so within ${String(limitMs)} ms\n${log()}`);
    await sleep(25);
  }
}

async function read(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}

export function textRequest(prompt: string, settings: object = {}): PreparedRequest {
  const defaults = { until: ['\n\n'], maxTokens: 64, temperature: 0, extra: {} };
  return { type: 'generate', prompt, settings: { ...defaults, ...settings } };
}

export function choicesRequest(context: string, continuations: readonly string[]): PreparedRequest {
  const pairs = continuations.map((continuation) => ({ context: 0, continuation }));
  return { type: 'choices', contexts: [context], pairs };
}
