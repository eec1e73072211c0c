import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader, isDone, jobFrame } from './frames.ts';
import { doneFrame, helloFrame } from './testing/frames.ts';

const limits = { cpuMs: 1_500, wallMs: 3_000, memoryBytes: 2 ** 33, outputBytes: 100 };

describe('jobFrame', () => {
  it('lays out lengths, limits and parts for the zygote', () => {
    const frame = jobFrame(7, { source: 'pass', stdin: Buffer.from('in'), limits }, 'nonce');
    expect([0, 4, 8, 12, 16, 20].map((at) => frame.readUInt32LE(at))).toEqual([7, 1_500, 3_000, 4, 2, 0]);
    expect(frame.readBigUInt64LE(32)).toBe(2n ** 33n);
    expect(frame.subarray(40).toString()).toBe('passin');
  });

  it('gives the nonce to the judge and to nobody else', () => {
    const tests = { source: 't', entry: 'f', helpers: '' };
    const frame = jobFrame(1, { source: 'pass', tests, limits }, 'nonce');
    const [sourceBytes, judgeBytes] = [frame.readUInt32LE(12), frame.readUInt32LE(20)];
    expect(frame.subarray(40, 40 + sourceBytes).toString()).not.toContain('nonce');
    expect(JSON.parse(frame.subarray(-judgeBytes).toString())).toMatchObject({ nonce: 'nonce', entry: 'f' });
  });
});

describe('FrameReader', () => {
  it('reads the same frames however they are cut', () => {
    const whole = Buffer.concat([
      helloFrame(),
      doneFrame(1, ['out', '', 'end', '']),
      doneFrame(2, ['', 'err', '', 'v']),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 20 }), (cuts) => {
        const reader = new FrameReader();
        const edges = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const frames = edges.slice(1).flatMap((end, n) => [...reader.push(whole.subarray(edges[n], end))]);
        const done = frames.filter(isDone);
        expect(frames).toHaveLength(3);
        expect(done.map(({ id, judge, endedBy, cpuMs }) => [id, judge, endedBy, cpuMs])).toEqual([
          [1, null, 'wall', 1.5],
          [2, null, 'wall', 1.5],
        ]);
        expect(
          done.map(({ stdout, stderr, ending, verdict }) => `${stdout}|${stderr}|${ending}|${verdict}`),
        ).toEqual(['out||end|', '|err||v']);
      }),
    );
  });

  it('refuses what is no frame', () => {
    expect(() => [...new FrameReader().push(Buffer.alloc(8, 9))]).toThrow('kind');
    const huge = doneFrame(1, ['', '', '', '']);
    huge.writeUInt32LE(0xffff_ffff, 44);
    expect(() => [...new FrameReader().push(huge)]).toThrow('bytes');
  });
});
