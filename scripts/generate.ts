// Generates proto/gen from the contracts. `--into DIR` writes elsewhere, so that drift can be seen.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const into = process.argv[2] === '--into' ? process.argv[3] : undefined;
const bins = path.join(root, 'node_modules/.bin');
const env = {
  ...process.env,
  PATH: `${path.dirname(process.execPath)}:${bins}:${process.env['PATH'] ?? ''}`,
};

buf(['generate', ...(into === undefined ? [] : ['--output', into])]);
// What reflection serves.
buf(['build', '-o', path.join(into ?? root, 'proto/gen/descriptors.binpb')]);

function buf(args: readonly string[]): void {
  const { status } = spawnSync(path.join(bins, 'buf'), args, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
