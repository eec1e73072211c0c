import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { passing, type AssayError } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import { FrameReader, isDone, type Done, type Hello } from './frames.ts';

const SCRIPT = fileURLToPath(new URL('./jail/zygote.py', import.meta.url));
const START_MS = 20_000;
// The zygote ends a run at its wall limit; one that has not answered this long after is stuck.
const ANSWER_MARGIN_MS = 10_000;
const STDERR_CHARS = 4_000;

export interface ZygoteOptions {
  readonly python: string;
  /** Different for each zygote of this machine: its user id is derived from it. */
  readonly serial: number;
  readonly log: Log;
}

/** One Python parent process. It runs one job at a time; when it dies, what it had in hand rejects. */
export class Zygote {
  readonly #child: ChildProcess;
  readonly #log: Log;
  readonly #reader = new FrameReader();
  #pending: { resolve: (frame: Hello | Done) => void; reject: (error: AssayError) => void } | null = null;
  #gone: AssayError | null = null;
  #hello: Hello | null = null;
  #stderr = '';
  runs = 0;

  /** Resolves when the zygote is ready. Rejects with SANDBOX_FAULT when it does not start. */
  static async start(options: ZygoteOptions): Promise<Zygote> {
    const zygote = new Zygote(options);
    try {
      const hello = await zygote.#next(START_MS);
      if (isDone(hello)) throw passing('SANDBOX_FAULT', 'the jail answered before it was asked');
      zygote.#hello = hello;
      return zygote;
    } catch (error) {
      zygote.kill();
      throw error;
    }
  }

  private constructor(options: ZygoteOptions) {
    this.#log = options.log;
    this.#child = spawn(options.python, ['-s', '-S', '-B', SCRIPT, String(options.serial)], {
      cwd: '/',
      env: { PYTHONHASHSEED: '0', PYTHONUTF8: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.on('error', (error) => this.#fail(`the jail cannot be started: ${error.message}`));
    this.#child.on('close', (code, signal) => this.#ended(signal ?? `exit code ${code}`));
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = `${this.#stderr}${chunk.toString('utf8')}`.slice(-STDERR_CHARS);
    });
  }

  get hello(): Hello {
    if (this.#hello === null) throw passing('SANDBOX_FAULT', 'the jail is not ready');
    return this.#hello;
  }

  get alive(): boolean {
    return this.#gone === null;
  }

  /** Rejects with a passing SANDBOX_FAULT when the zygote dies or does not answer in time. */
  async run(frame: Buffer, wallMs: number): Promise<Done> {
    this.runs += 1;
    const answer = this.#next(wallMs + ANSWER_MARGIN_MS);
    this.#child.stdin?.write(frame);
    const done = await answer;
    if (!isDone(done)) throw passing('SANDBOX_FAULT', 'the jail answered out of turn');
    return done;
  }

  /** Ends the zygote and, with it, every child. */
  kill(): void {
    this.#child.kill('SIGKILL');
    this.#fail('the jail was closed');
  }

  /** Resolves when the process is gone. */
  async closed(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
      return;
    await new Promise((resolve) => this.#child.once('exit', resolve));
  }

  async #next(timeoutMs: number): Promise<Hello | Done> {
    if (this.#gone !== null) throw this.#gone;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Hello | Done>((resolve, reject) => {
        this.#pending = { resolve, reject };
        timer = setTimeout(() => this.#stuck(), timeoutMs);
      });
    } finally {
      clearTimeout(timer);
      this.#pending = null;
    }
  }

  #stuck(): void {
    this.#child.kill('SIGKILL');
    this.#fail('the jail does not answer');
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#pending?.resolve(frame);
    } catch (error) {
      this.#child.kill('SIGKILL');
      this.#fail(error instanceof Error ? error.message : 'the jail wrote what is no frame');
    }
  }

  #ended(how: string): void {
    const [last = ''] = this.#stderr.trimEnd().split('\n').slice(-1);
    if (last !== '') this.#log.debug({ stderr: this.#stderr }, 'jail ended');
    this.#fail(`the jail's parent process ended (${how})${last === '' ? '' : `: ${last}`}`);
  }

  #fail(message: string): void {
    this.#gone ??= passing('SANDBOX_FAULT', message);
    this.#pending?.reject(this.#gone);
  }
}
