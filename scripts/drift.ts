// Fails when proto/gen is not what the contracts generate.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const scratch = mkdtempSync(path.join(tmpdir(), 'assay-drift-'));
try {
  const made = spawnSync(process.execPath, [path.join(root, 'scripts/generate.ts'), '--into', scratch], {
    stdio: 'inherit',
  });
  const differing =
    made.status === 0
      ? compare(path.join(root, 'proto/gen'), path.join(scratch, 'proto/gen'))
      : ['buf generate failed'];
  for (const file of differing)
    console.log(`proto/gen/${file} differs; run npm run generate and commit what it makes`);
  process.exitCode = differing.length === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function compare(committed: string, fresh: string): string[] {
  const [old, new_] = [filesOf(committed), filesOf(fresh)];
  return [...new Set([...old.keys(), ...new_.keys()])]
    .filter((file) => old.get(file) !== new_.get(file))
    .sort();
}

function filesOf(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    entries.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(folder, file), readFileSync(file, 'base64')];
    }),
  );
}
