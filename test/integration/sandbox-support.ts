import { folderBlob, type Blob } from '@assay/lib/blob';
import { connectBus, type Bus } from '@assay/lib/bus';
import type {
  BlobRef,
  Generation,
  JobRecord,
  JobState,
  PreparedDoc,
  Score,
  Scoring,
} from '@assay/lib/domain';
import { createLog } from '@assay/lib/log';
import { spawn, type ChildProcess } from 'node:child_process';
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNats, type NatsServer } from '../support/nats.ts';

export const PARTITION = 'p0';
const MAIN = resolve(import.meta.dirname, '../../services/sandbox/main.ts');
const MIB = 1024 * 1024;

/** A broker, a blob folder and sandbox processes, as a scheduler would find them. */
export class Stage {
  readonly bus: Bus;
  readonly blob: Blob;
  readonly #nats: NatsServer;
  readonly folder: string;
  readonly #started: Sandbox[] = [];

  static async open(): Promise<Stage> {
    const nats = await startNats();
    const folder = await mkdtemp(join(tmpdir(), 'assay-sandbox-'));
    await Promise.all(['blobs', 'crash'].map(async (name) => await mkdir(join(folder, name))));
    const log = createLog({ service: 'test', level: 'silent', pretty: false });
    const bus = await connectBus({ url: nats.url, name: 'test', log });
    await bus.ensure(PARTITION, { generationsBytes: 64 * MIB, scoresBytes: 64 * MIB });
    return new Stage(nats, folder, bus);
  }

  private constructor(nats: NatsServer, folder: string, bus: Bus) {
    this.#nats = nats;
    this.folder = folder;
    this.bus = bus;
    this.blob = folderBlob(join(folder, 'blobs'));
  }

  /** host:port. */
  get broker(): string {
    return new URL(this.#nats.url).host;
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map(async (sandbox) => await sandbox.end('SIGKILL')));
    await this.bus.close();
    await this.#nats.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Starts one and waits until it serves; `as` another user, who may read the checkout whoever owns it. */
  async sandbox(env: Readonly<Record<string, string>> = {}, as: User | null = null): Promise<Sandbox> {
    const file = join(this.folder, `announce-${this.#started.length}.json`);
    const [program, ...args] = [...(as === null ? [] : becoming(as)), process.execPath, MAIN];
    if (as !== null) await chown(this.folder, as.uid, as.gid);
    const child = spawn(program, args, {
      env: {
        PATH: process.env['PATH'],
        ASSAY_NATS_URL: this.#nats.url,
        ASSAY_BLOB_DIR: join(this.folder, 'blobs'),
        ASSAY_CRASH_POINT: join(this.folder, 'crash'),
        ASSAY_ANNOUNCE_FILE: file,
        ASSAY_LOG_LEVEL: 'warn',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const sandbox = new Sandbox(child);
    this.#started.push(sandbox);
    sandbox.addresses = await sandbox.announced(file);
    return sandbox;
  }

  /** Makes the next sandbox that comes to this point kill itself there. */
  async arm(point: string): Promise<void> {
    await writeFile(join(this.folder, 'crash', point), '');
  }

  async putDocs(task: string, scoring: Scoring, docs: readonly PreparedDoc[]): Promise<BlobRef> {
    return await this.blob.put(Buffer.from(JSON.stringify({ v: 1, task, scoring, docs })));
  }

  async store(...generations: readonly Generation[]): Promise<void> {
    await Promise.all(generations.map(async (entry) => await this.bus.generations(PARTITION).store(entry)));
  }

  async putJob(id: string, state: JobState): Promise<void> {
    const record = { v: 1, id, state } as JobRecord;
    const { JOBS } = await import('@assay/lib/bus');
    await this.bus.kv(JOBS).put(id, record);
  }

  /** The job's scores, once there are `count`; what is there when that takes too long. */
  async scores(job: string, count: number, epoch = 0): Promise<Score[]> {
    const ledger = this.bus.scores(PARTITION);
    for (let tries = 0; ; tries += 1) {
      const subjects: string[] = [];
      for await (const page of ledger.list(ledger.filter({ epoch, job }))) subjects.push(...page);
      if (subjects.length >= count || tries === 300) {
        const scores = await Promise.all(subjects.map(async (subject) => await ledger.get(subject)));
        return scores
          .filter((score) => score !== null)
          .toSorted((a, b) => a.doc - b.doc || Number(a.repeat) - Number(b.repeat));
      }
      await sleep(100);
    }
  }
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

// The right to read everything is none to write, so none to connect to a socket.
function becoming({ uid, gid }: User): string[] {
  const rights = ['--inh-caps=-all,+dac_read_search', '--ambient-caps=+dac_read_search'];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...rights];
}

export class Sandbox {
  readonly #child: ChildProcess;
  #output = '';
  addresses: { readonly rpc: string; readonly ops: string } = { rpc: '', ops: '' };

  constructor(child: ChildProcess) {
    this.#child = child;
    const keep = (chunk: Buffer): void => {
      this.#output = `${this.#output}${chunk.toString('utf8')}`.slice(-8_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async announced(file: string): Promise<{ readonly rpc: string; readonly ops: string }> {
    for (let tries = 0; tries < 400 && !this.#ended(); tries += 1) {
      const text = await readFile(file, 'utf8').catch(() => null);
      if (text !== null) return JSON.parse(text);
      await sleep(50);
    }
    throw new Error(`the sandbox did not start: ${this.#output}`);
  }

  async exited(): Promise<number | string> {
    if (!this.#ended()) await new Promise((done) => this.#child.once('exit', done));
    return this.#child.exitCode ?? this.#child.signalCode ?? '';
  }

  async end(signal: NodeJS.Signals): Promise<number | string> {
    if (!this.#ended()) this.#child.kill(signal);
    return await this.exited();
  }

  /** What `/readyz` says. */
  async ready(): Promise<string> {
    return await (await fetch(`http://${this.addresses.ops}/readyz`)).text();
  }

  async metrics(): Promise<string> {
    return await (await fetch(`http://${this.addresses.ops}/metrics`)).text();
  }

  #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
