import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Prometheus' own checker, from the PATH or where Debian's package has it; null when it is not on this machine. */
export function findPromtool(env: NodeJS.ProcessEnv = process.env): string | null {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/bin'].filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, 'promtool')).find(isProgram) ?? null;
}

/** What `promtool check metrics` finds wrong with a `/metrics` page; empty when it passes. */
export async function checkMetrics(promtool: string, page: string): Promise<string> {
  const child = spawn(promtool, ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const code = await new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', done);
    child.stdin.end(page);
  });
  return code === 0 ? '' : `promtool ended with ${String(code)}: ${said}`;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
