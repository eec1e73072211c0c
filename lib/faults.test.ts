import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'assay-faults-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function arrive(setting: string | undefined) {
  const faults = JSON.stringify(new URL('faults.ts', import.meta.url).href);
  const script = `
    import { crashPoints } from ${faults};
    const crash = crashPoints(${JSON.stringify(setting)});
    crash.at('unarmed');
    crash.at('armed');
    console.log('survived');`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
}

describe('crashPoints', () => {
  it('kills at an armed point, once for each arming', () => {
    const file = path.join(folder, 'armed');
    writeFileSync(file, '');
    expect(arrive(folder)).toMatchObject({ signal: 'SIGKILL', stdout: '' });
    expect(existsSync(file)).toBe(false);
    expect(arrive(folder)).toMatchObject({ status: 0, stdout: 'survived\n' });
  });

  it('never kills where no folder is set', () => {
    writeFileSync(path.join(folder, 'armed'), '');
    expect(arrive(undefined)).toMatchObject({ status: 0 });
  });
});
