import { openJail } from './index.ts';
import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
const log: any = { warn: console.log, debug() {}, info: console.log };
const jail = await openJail({ path: process.env.PATH!, slots: 2, log, ...(process.env.PY ? { python: process.env.PY } : {}) });
console.log(jail.report.tier, jail.report.reason, jail.report.python);
const rows = gunzipSync(readFileSync('/work/shared/data/HumanEval.jsonl.gz')).toString().trim().split('\n').map((l) => JSON.parse(l));
const limits = { cpuMs: 5000, wallMs: 20000, memoryBytes: 512 << 20, outputBytes: 1 << 20 };
const t = performance.now();
let cpu = 0;
const tally: any = {};
await Promise.all(rows.flatMap((r) => [['canon', r.canonical_solution], ['mut', '    return None\n' + r.canonical_solution], ['empty', '    pass\n']].map(async ([k, body]) => {
  const e = await jail.run({ source: r.prompt + body, tests: { source: r.test + `\ncheck(${r.entry_point})\n`, entry: r.entry_point, helpers: r.prompt }, limits });
  const key = k + ' ' + e.status; tally[key] = (tally[key] ?? 0) + 1; cpu += e.cpuMs;
  if ((k === 'canon') !== (e.status === 'AC')) console.log(r.task_id, k, e.status, e.detail, e.cpuMs);
})));
console.log(tally, 'ms', performance.now() - t, 'cpu', cpu, 'retries', jail.retries);
await jail.close();
