import { existsSync, readFileSync } from 'node:fs';

/**
 * What a run of the tests could not run. A test that finds that a part of it cannot run on this machine appends a line
 * `part: why` to the file that ASSAY_NOT_RUN names.
 */
export function notRun(
  file,
  elsewhere = 'Not part of npm test: test:e2e (a Kubernetes cluster), test:real (real data and foreign servers) and the benches.',
) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const parts = [...new Set(lines.map((line) => line.trim()).filter(Boolean))].sort();
  return [
    '',
    parts.length === 0 ? 'Every part of these tests ran on this machine.' : 'Not run on this machine:',
    ...parts.map((part) => `  ${part}`),
    elsewhere,
  ];
}
