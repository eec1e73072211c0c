import { describe, expect, it } from 'vitest';
import { limitsOf } from './serve.ts';

const unset = { cpuMs: 0, wallMs: 0, memoryBytes: 0n, outputBytes: 0n };

describe('limitsOf', () => {
  it('takes the default of what is 0', () => {
    expect(limitsOf({ ...unset, cpuMs: 500 })).toEqual({
      cpuMs: 500,
      wallMs: 30_000,
      memoryBytes: 1 << 30,
      outputBytes: 1 << 20,
    });
  });

  it('names everything that is out of bounds', () => {
    const limits = () => limitsOf({ cpuMs: -1, wallMs: 1, memoryBytes: 1n, outputBytes: 1n << 40n });
    expect(limits).toThrowError(
      expect.objectContaining({
        reason: 'INVALID_REQUEST',
        violations: ['cpu_ms', 'wall_ms', 'memory_bytes', 'output_bytes'].map((field) =>
          expect.objectContaining({ field }),
        ),
      }),
    );
  });
});
