// npm run test:real [-- [--docs N] PART ...]: real data, a real model and servers of others. Exit code 0: all is equal; 1: something
// differs or broke; 2: wrong usage; 3: nothing differs, but something could not be run on this machine.
import { parseArgs } from 'node:util';
import { stateFolder } from '@assay/cli/state-folder';
import { NotRun, type Context } from './context.ts';
import { equalChoices, equalGenerations } from './equal.ts';
import { foreignServer } from './foreign.ts';
import { humanEval, humanEvalGenerated } from './humaneval.ts';
import { Lines } from './lines.ts';

const PARTS: Readonly<Record<string, (context: Context) => Promise<void>>> = {
  choices: equalChoices,
  gsm8k: equalGenerations,
  humaneval: humanEval,
  'humaneval-model': humanEvalGenerated,
  foreign: foreignServer,
};

const { values, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: { docs: { type: 'string', default: '50' } },
});
const docs = Number(values.docs);
const unknown = asked.filter((name) => PARTS[name] === undefined);
if (unknown.length > 0 || !Number.isInteger(docs) || docs < 2) {
  console.error(
    `usage: npm run test:real [-- [--docs N] PART ...]   parts: ${Object.keys(PARTS).join(', ')}`,
  );
  process.exit(2);
}

const closers: (() => Promise<void>)[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void closeAll().finally(() => process.exit(130)));

const lines = new Lines();
const dataFolder = process.env['ASSAY_TEST_DATA'];
const context: Context = {
  lines,
  state: stateFolder(undefined, process.env),
  dataFolder: dataFolder === '' ? undefined : dataFolder,
  docs,
  keep: (close) => void closers.push(close),
};
for (const [name, part] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  lines.heading(`${name}:`);
  const startedAt = performance.now();
  try {
    await part(context);
  } catch (error) {
    if (error instanceof NotRun) lines.notRun(name, error.message);
    else lines.differs(`${name} broke`, [error instanceof Error ? (error.stack ?? '') : String(error)]);
  } finally {
    await closeAll();
  }
  lines.note(`${name} took ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
}
process.exitCode = lines.end();

async function closeAll(): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    await close().catch((error: unknown) => lines.note(`closing: ${String(error)}`));
  }
}
