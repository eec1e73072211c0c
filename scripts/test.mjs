// `npm test`: brings what the tests need, then runs everything that a laptop can, and says what it could not run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { requireMachine } from './setup/machine.mjs';

requireMachine();
const { hand, setUpOrExit } = await import('./setup/front-door.mjs');
const { notRun } = await import('./setup/not-run.mjs');
const { node, natsServer } = await setUpOrExit({ parts: ['npm', 'node', 'nats'], useNatsUrl: false });
const folder = mkdtempSync(path.join(tmpdir(), 'assay-test-'));
try {
  const file = path.join(folder, 'not-run');
  const vitest = [
    node,
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    'unit',
    '--project',
    'integration',
  ];
  const env = { ASSAY_NOT_RUN: file, ...(natsServer === null ? {} : { ASSAY_NATS_SERVER: natsServer }) };
  process.exitCode = await hand([...vitest, ...process.argv.slice(2)], env);
  for (const line of notRun(file)) console.log(line);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
