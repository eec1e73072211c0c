import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { createLog } from '../log.ts';
import { staticTokens } from './static-tokens.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-tokens-'));
});
afterEach(() => rm(folder, { recursive: true }));

const ANN = '- { token: token-of-ann-0001, user: ann, namespace: team-a }';
const BOB = '- { token: token-of-bob-0001, user: bob, namespace: team-b, groups: [evaluators] }';
const file = () => path.join(folder, 'tokens.yaml');
const write = (...lines: string[]) => writeFile(file(), ['tokens:', ...lines].join('\n'));

async function open() {
  const clock = manualClock();
  const logged: Record<string, unknown>[] = [];
  const sink = { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) };
  const log = createLog({ service: 'test', level: 'info', pretty: false }, sink);
  return { clock, logged, who: await staticTokens(file(), clock, log) };
}

describe('staticTokens', () => {
  it('knows user and namespace of each token, and nobody else', async () => {
    await write(ANN, BOB);
    const { who } = await open();
    expect(await who('token-of-bob-0001')).toEqual({
      tenant: 'team-b',
      user: 'bob',
      groups: ['evaluators', 'system:authenticated'],
    });
    expect(await who('token-of-ann-0001')).toMatchObject({ tenant: 'team-a', user: 'ann' });
    for (const other of ['', 'token-of-ann-000', 'token-of-ann-0001 ']) expect(await who(other)).toBeNull();
  });

  it('reads the file again when it changes, also as a mounted Secret does', async () => {
    for (const [name, line] of [
      ['v1', ANN],
      ['v2', BOB],
    ] as const) {
      await mkdir(path.join(folder, name));
      await writeFile(path.join(folder, name, 'tokens.yaml'), `tokens:\n${line}`);
    }
    await symlink('v1', path.join(folder, 'data'));
    await symlink('data/tokens.yaml', file());
    const { clock, who } = await open();
    await symlink('v2', path.join(folder, 'next'));
    await rename(path.join(folder, 'next'), path.join(folder, 'data'));
    expect(await who('token-of-ann-0001')).not.toBeNull();
    await clock.advance(1_000);
    expect(await who('token-of-ann-0001')).toBeNull();
    expect(await who('token-of-bob-0001')).not.toBeNull();
  });

  it('goes on with what it has when a change cannot be used, says so once, and quotes nothing', async () => {
    await write(ANN);
    const { clock, logged, who } = await open();
    await writeFile(file(), 'tokens: [ { token: secret-of-somebody');
    for (let seconds = 0; seconds < 3; seconds += 1) {
      await clock.advance(1_000);
      expect(await who('token-of-ann-0001')).not.toBeNull();
    }
    expect(logged).toHaveLength(1);
    expect(JSON.stringify(logged)).not.toContain('secret-of-somebody');
    await write(BOB);
    await clock.advance(1_000);
    expect(await who('token-of-ann-0001')).toBeNull();
  });

  it('refuses a file with everything that is wrong in it, and quotes no token', async () => {
    await write(
      '- { token: short-secret, user: system:admin, namespace: Team_A }',
      '- { token: token-of-ann-0001, usr: ann }',
    );
    const refused = open();
    await expect(refused).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: [
        { field: 'tokens.0.token', message: 'must have 16 characters or more' },
        { field: 'tokens.0.user', message: 'must not begin with system:' },
        { field: 'tokens.0.namespace', message: 'must be the name of a namespace' },
        { field: 'tokens.1.user' },
        { field: 'tokens.1.namespace' },
        { field: 'tokens.1' },
      ],
    });
    await expect(refused).rejects.not.toThrow(/short-secret|token-of/);
    await rm(file());
    await expect(open()).rejects.toThrow('cannot be read');
  });
});
