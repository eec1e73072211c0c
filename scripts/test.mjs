// The README's test command: brings the dependencies when they are missing, then runs everything a laptop can.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const root = new URL('..', import.meta.url).pathname;

if (!existsSync(`${root}node_modules/.bin/vitest`)) run('npm', ['ci']);
run(`${root}node_modules/.bin/node`, [`${root}node_modules/vitest/vitest.mjs`, 'run']);

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
