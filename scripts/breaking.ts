// Fails when the contracts break what an older client says: compared with main as it was before this checkout's work.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const head = git('rev-parse', 'HEAD').stdout.trim();
const base = ['origin/main', 'main', 'HEAD~1'].find(
  (ref) =>
    git('rev-parse', ref).stdout.trim() !== head && git('cat-file', '-e', `${ref}:buf.yaml`).status === 0,
);
if (base === undefined) {
  console.log('no earlier contracts in this checkout to compare with');
} else {
  const against = `${path.join(root, '.git')}#ref=${git('rev-parse', base).stdout.trim()}`;
  const { status } = spawnSync(path.join(root, 'node_modules/.bin/buf'), ['breaking', '--against', against], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

function git(...args: readonly string[]) {
  return spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' });
}
