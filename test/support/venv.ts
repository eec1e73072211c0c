import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface PythonPackage {
  readonly name: string;
  readonly version: string;
  /** What pip is asked for, where that is more than name and version. */
  readonly extras?: string;
  /** Said before a first installation. */
  readonly takes: string;
}

/**
 * The `bin` folder of a virtual environment with one package, installed under the local state by pip, once. Throws with
 * pip's own reason when that cannot be had here; what was half installed is begun anew the next time.
 */
export function pythonPackage(state: string, wanted: PythonPackage): string {
  const venv = path.join(state, 'tools', `${wanted.name}-${wanted.version}`);
  const complete = path.join(venv, '.complete');
  const bin = path.join(venv, 'bin');
  if (existsSync(complete)) return bin;
  console.error(`installing ${wanted.name} ${wanted.version} with pip; this takes ${wanted.takes}, once`);
  rmSync(venv, { recursive: true, force: true });
  run('python3', ['-m', 'venv', venv]);
  const requirement = `${wanted.name}${wanted.extras ?? ''}==${wanted.version}`;
  run(path.join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', requirement]);
  writeFileSync(complete, '');
  return bin;
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  if (status === 0) return;
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const reason = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? '';
  throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${reason.trim()}`);
}
