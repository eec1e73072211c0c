import { spawn } from 'node:child_process';

/** Runs a program to its end; resolves with its standard output. @throws {Error} with what it complained about */
export function execute(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
  input = '',
): Promise<string> {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (err += text.toString()));
  child.stdin.on('error', () => undefined); // it may end without reading
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(out.trim());
      else
        reject(new Error(`${[program, ...args].join(' ')} ended with ${code}: ${err.trim() || out.trim()}`));
    });
  });
}
