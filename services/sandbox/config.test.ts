import { expect, it } from 'vitest';
import { readConfig } from './config.ts';

const fine = { ASSAY_NATS_URL: 'nats://x', ASSAY_BLOB_DIR: '/b' };

it('walls are off unless they are enforced, and then there must be something to try', () => {
  expect(readConfig(fine)).toMatchObject({ WALLS: 'off' });
  expect(() => readConfig({ ...fine, ASSAY_WALLS: 'enforced' })).toThrow('ASSAY_WALL_TARGETS is missing');
  expect(
    readConfig({ ...fine, ASSAY_WALLS: 'enforced', ASSAY_WALL_TARGETS: '10.96.0.1:443' }).WALL_TARGETS,
  ).toEqual([{ host: '10.96.0.1', port: 443 }]);
});

it('an interpreter and the container of another exclude each other', () => {
  const both = { ...fine, ASSAY_PYTHON: '/usr/bin/python3', ASSAY_EXEC_SOCKET: '/run/assay/exec.sock' };
  expect(() => readConfig(both)).toThrow('ASSAY_PYTHON excludes ASSAY_EXEC_SOCKET');
});
