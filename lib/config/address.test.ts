import { describe, expect, it } from 'vitest';
import { settings } from './index.ts';
import { readAddress, showAddress } from './address.ts';

describe('readAddress', () => {
  it.for(['10.0.0.1:443', '[fd00::1]:53', 'assay-nats.control.svc:4222'])('reads %s and shows it', (text) => {
    const address = readAddress(text);
    expect(address === null ? null : showAddress(address)).toBe(text);
  });

  it.for(['', 'name', 'name:', 'name:0', 'name:65536', 'fd00::1:53', 'nats://name:1', 'a b:1'])(
    'refuses "%s"',
    (text) => {
      expect(readAddress(text)).toBeNull();
    },
  );
});

it('a list of addresses names each that is none', () => {
  expect(settings.addresses.parse('a:1, [::1]:2,')).toEqual([
    { host: 'a', port: 1 },
    { host: '::1', port: 2 },
  ]);
  expect(settings.addresses.safeParse('a, b:1, c:x').error?.issues.map(({ message }) => message)).toEqual([
    'must be host:port, separated by commas, not "a"',
    'must be host:port, separated by commas, not "c:x"',
  ]);
  expect(settings.addresses.safeParse(' ,').success).toBe(false);
});
