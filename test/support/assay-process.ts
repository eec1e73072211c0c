import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { HOME } from './stack.ts';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface AssayProcess {
  readonly child: ChildProcess;
  /** Resolves when its standard output holds the text. */
  said(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** `assay <args>` as a process of its own, as a person or a script runs it. */
export function assayProcess(args: readonly string[], env: Readonly<Record<string, string>>): AssayProcess {
  return program(path.join(HOME, 'cli/main.ts'), args, env);
}

/** A program of ours as a process of its own, with no more of the environment than it is given. */
export function program(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): AssayProcess {
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const shown = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => (shown.out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (shown.err += text.toString()));
  const ended = once(child, 'close').then(([code]: unknown[]) => ({
    ...shown,
    code: typeof code === 'number' ? code : null,
  }));
  return {
    child,
    ended,
    async said(text) {
      while (!shown.out.includes(text)) {
        const over = await Promise.race([ended, once(child.stdout, 'data').then(() => null)]);
        if (over !== null && !shown.out.includes(text))
          throw new Error(`ended with ${String(over.code)} before it said "${text}": ${over.out}${over.err}`);
      }
    },
  };
}
