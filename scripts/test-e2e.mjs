// `npm run test:e2e`: the tests that need a Kubernetes cluster, and which of them this machine could not run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { requireMachine } from './setup/machine.mjs';

requireMachine();
const { hand, setUpOrExit } = await import('./setup/front-door.mjs');
const { notRun } = await import('./setup/not-run.mjs');
const { node } = await setUpOrExit({ parts: ['npm', 'node'] });
const folder = mkdtempSync(path.join(tmpdir(), 'assay-e2e-'));
try {
  const file = path.join(folder, 'not-run');
  process.exitCode = await hand([node, 'test/cluster/e2e.ts', ...process.argv.slice(2)], {
    ASSAY_NOT_RUN: file,
  });
  for (const line of notRun(file, 'With KUBECONFIG set, that cluster is used.')) console.log(line);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
