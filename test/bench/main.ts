// npm run bench -- NAME: one runner for every bench. Its last line is one line of JSON.
import { cpus, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';

interface Outcome {
  readonly figures: Readonly<Record<string, number>>;
  readonly ratios: Readonly<Record<string, number>>;
}

const BENCHES: Readonly<Record<string, () => Promise<{ run(): Promise<Outcome> }>>> = {
  pipeline: () => import('./pipeline.ts'),
  sandbox: () => import('./sandbox.ts'),
  'scheduler-memory': () => import('./scheduler-memory.ts'),
};

const name = process.argv[2] ?? '';
const load = BENCHES[name];
if (load === undefined) {
  console.error(`usage: npm run bench -- NAME   where NAME is one of ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else {
  const { run } = await load();
  const { figures, ratios } = await run();
  console.log(
    JSON.stringify({ bench: name, figures: rounded(figures), ratios: rounded(ratios), machine: machine() }),
  );
}

function rounded(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Number(value.toPrecision(4))]),
  );
}

function machine() {
  const [load1] = readFileSync('/proc/loadavg', 'utf8').split(' ').map(Number);
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? '',
    memory_gib: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    load1: load1 ?? 0,
  };
}
