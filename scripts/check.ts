// The whole gate without servers: every check, side by side where they do not share, each named with its time.
import { spawn } from 'node:child_process';
import path from 'node:path';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const bin = (name: string) => path.join(import.meta.dirname, '..', 'node_modules', '.bin', name);

const checks: readonly Check[] = [
  { name: 'types', command: [bin('tsc'), '--noEmit'] },
  { name: 'lint', command: [bin('oxlint'), '--type-aware', '--quiet'] },
  { name: 'format', command: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  {
    name: 'imports',
    command: [bin('depcruise'), 'lib', 'proto', 'services', 'cli', 'demo', 'deploy', 'test', 'scripts'],
  },
  { name: 'unused', command: [bin('knip')] },
  { name: 'proto lint', command: [bin('buf'), 'lint'] },
  { name: 'proto breaking', command: [process.execPath, path.join(import.meta.dirname, 'breaking.ts')] },
  { name: 'generated code', command: [process.execPath, path.join(import.meta.dirname, 'drift.ts')] },
  { name: 'chart', command: [process.execPath, path.join(import.meta.dirname, 'chart.ts'), '--check'] },
  {
    name: 'unit tests',
    command: [
      process.execPath,
      path.join(import.meta.dirname, '../node_modules/vitest/vitest.mjs'),
      'run',
      '--project',
      'unit',
    ],
  },
];

const LANES = 2;
const waiting = [...checks];
const failed: string[] = [];
const startedAt = performance.now();
await Promise.all(Array.from({ length: LANES }, lane));
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
console.log(
  failed.length === 0
    ? `all ${checks.length} checks passed in ${seconds} s`
    : `${failed.length} of ${checks.length} checks failed in ${seconds} s: ${failed.join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

async function lane(): Promise<void> {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) await run(check);
}

async function run(check: Check): Promise<void> {
  const from = performance.now();
  const { code, output } = await execute(check.command);
  const time = `${((performance.now() - from) / 1_000).toFixed(1)} s`;
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${check.name} (${time})`);
  if (code === 0) return;
  failed.push(check.name);
  console.log(output.trim().replaceAll(/^/gm, '     '));
}

function execute([command = '', ...args]: readonly string[]): Promise<{
  readonly code: number;
  readonly output: string;
}> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${path.dirname(process.execPath)}:${bin('')}:${process.env['PATH'] ?? ''}`,
      },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
