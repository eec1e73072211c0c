import { describe, expect, it } from 'vitest';
import { readArguments } from './arguments.ts';
import { tableOf } from './table.ts';

describe('readArguments', () => {
  it('asks for every image, on the bases of the Dockerfiles, when nothing is said', () => {
    expect(readArguments([])).toMatchObject({
      names: ['service', 'sandbox', 'cpu-server', 'nats', 'postgres', 'demo-weights'],
      packages: false,
      save: null,
    });
  });

  it('takes names, a folder and bases by their digest', () => {
    const ask = readArguments([
      'nats',
      'service',
      '--save',
      'out',
      '--base',
      'plain=host:5000/cc@sha256:0=1',
    ]);
    expect(ask).toMatchObject({ names: ['service', 'nats'], save: 'out' });
    expect([...ask.bases]).toEqual([['plain', 'host:5000/cc@sha256:0=1']]);
  });

  it('names every wrong argument at once', () => {
    const wrong = ['web', '--base', 'ruby=x', '--base', 'plain=y', '--packages'];
    expect(() => readArguments(wrong)).toThrow(/web[^]*ruby=x[^]*--packages or --base/);
    expect(() => readArguments(['--push'])).toThrow('--push');
  });
});

describe('tableOf', () => {
  it('shows sizes against their limits', () => {
    const built = { digest: 'sha256:1' };
    const { lines, tooLarge } = tableOf(
      new Map([
        ['service', { ...built, bytes: 240_000_000 }],
        ['nats', { ...built, bytes: 999_000_000 }],
      ]),
    );
    expect(lines).toEqual([
      'image        size     limit  digest',
      'service  240.0 MB  240.0 MB  sha256:1',
      'nats     999.0 MB            sha256:1',
    ]);
    expect(tooLarge).toBe(false);
  });

  it('says which one is too large', () => {
    const { lines, tooLarge } = tableOf(new Map([['sandbox', { digest: 'sha256:1', bytes: 90_000_001 }]]));
    expect(lines[1]).toContain('OVER 90.0 MB');
    expect(tooLarge).toBe(true);
  });
});
