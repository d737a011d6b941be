import { describe, expect, it } from 'vitest';
import { createAddressReader, toCallerAddress } from './caller-address.ts';

describe('the address of a caller', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    [undefined, 'unknown'],
    ['nonsense', 'unknown'],
  ])('is, for %s, %s', (address, expected) => {
    expect(toCallerAddress(address)).toBe(expected);
  });

  const asked = (remoteAddress: string, forwarded: string) => ({
    headers: { 'x-forwarded-for': forwarded },
    socket: { remoteAddress },
  });

  it('is what a trusted proxy says, and nothing that its caller made up', () => {
    const read = createAddressReader(['10.0.0.0/8']);
    expect(read(asked('10.0.0.1', '192.0.2.66, 192.0.2.7'))).toBe('192.0.2.7');
    expect(read(asked('10.0.0.1', '192.0.2.7, 10.0.0.2'))).toBe('192.0.2.7');
    expect(read(asked('192.0.2.1', '192.0.2.7'))).toBe('192.0.2.1');
    expect(createAddressReader([])(asked('10.0.0.1', '192.0.2.7'))).toBe('10.0.0.1');
  });
});
