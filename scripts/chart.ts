// Makes what the chart derives from other files: the list of values in its README, and the broker's users.
//   node scripts/chart.ts            # writes them
//   node scripts/chart.ts --check    # fails where they differ
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { chartUsers } from './chart/users.ts';
import { valuesList } from './chart/values-list.ts';

const chart = path.join(import.meta.dirname, '../deploy/helm/assay');
const check = process.argv[2] === '--check';
const read = (name: string) => readFileSync(path.join(chart, name), 'utf8');

await make('files/nats-users.json', JSON.stringify(chartUsers()));
await make('README.md', withValues(read('README.md'), valuesList(read('values.yaml'))));

function withValues(readme: string, list: string): string {
  const [before, after] = ['<!-- values -->', '<!-- /values -->'];
  return readme.replace(new RegExp(`(?<=${before}\n)[^]*(?=${after})`), () => `\n${list}\n`);
}

async function make(name: string, text: string): Promise<void> {
  const file = path.join(chart, name);
  const made = await format(text, { ...(await resolveConfig(file)), filepath: file });
  if (!check) return writeFileSync(file, made);
  if (readFileSync(file, 'utf8') === made) return;
  console.log(`deploy/helm/assay/${name} differs; run npm run chart and commit what it makes`);
  process.exitCode = 1;
}
