import { describe, expect, it } from 'vitest';
import { createAddressGuard } from './address-guard.ts';
import { findAddressRule } from './address-rule.ts';

describe('the rule of an address', () => {
  it.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['10.0.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['169.254.1.1', 'link_local'],
    ['169.254.169.254', 'metadata'],
    ['100.64.0.1', 'carrier_grade_nat'],
    ['100.100.100.200', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['192.0.0.192', 'metadata'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['203.0.113.7', 'reserved'],
    ['192.88.99.1', 'reserved'],
    // Decimal, octal, hex and short forms
    ['2130706433', 'loopback'],
    ['0x7f000001', 'loopback'],
    ['0x7f.0.0.1', 'loopback'],
    ['0177.0.0.01', 'loopback'],
    ['017700000001', 'loopback'],
    ['127.1', 'loopback'],
    ['10.1', 'private'],
    ['0xa9fea9fe', 'metadata'],
    // IPv6
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['fe80::1', 'link_local'],
    ['fe80::1%eth0', 'link_local'],
    ['fec0::1', 'private'],
    ['fc00::1', 'unique_local'],
    ['fd12:3456::1', 'unique_local'],
    ['fd00:ec2::254', 'metadata'],
    ['FD00:0EC2:0::0254', 'metadata'],
    ['fd20:ce::254', 'metadata'],
    ['ff02::1', 'multicast'],
    ['2001:db8::1', 'reserved'],
    ['3fff::1', 'reserved'],
    ['5f00::1', 'reserved'],
    ['100::1', 'reserved'],
    ['4000::1', 'reserved'],
    // IPv4 inside of IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['::ffff:a9fe:a9fe', 'metadata'],
    ['::127.0.0.1', 'loopback'],
    ['::8.8.8.8', 'reserved'],
    ['::ffff:0:127.0.0.1', 'loopback'],
    ['::ffff:0:8.8.8.8', 'reserved'],
    ['64:ff9b::127.0.0.1', 'loopback'],
    ['64:ff9b::a00:1', 'private'],
    ['64:ff9b::169.254.169.254', 'metadata'],
    ['64:ff9b:1::10.0.0.1', 'reserved'],
    ['2002:7f00:1::', 'loopback'],
    ['2002:808:808::', 'reserved'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'reserved'],
    // No address at all
    ['example.com', 'reserved'],
    ['', 'reserved'],
  ])('of %s is %s', (address, rule) => {
    expect(findAddressRule(address)).toBe(rule);
  });

  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '100.63.255.255',
    '100.128.0.0',
    '172.32.0.1',
    '2606:4700:4700::1111',
    '2a00:1450:4001::64',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
  ])('does not keep %s from being called', (address) => {
    expect(findAddressRule(address)).toBeNull();
  });
});

describe('the allow-list', () => {
  const assert = (entries: string[], host: string, address = host) =>
    createAddressGuard(entries).assertAddress(host, address);

  it('opens the addresses, networks and names in it, in every notation, and nothing beside them', () => {
    expect(() => assert(['10.1.2.3'], '10.1.2.3')).not.toThrow();
    expect(() => assert(['10.1.2.3'], '10.1.2.4')).toThrow('private');
    expect(() => assert(['10.0.0.0/8'], '10.9.9.9')).not.toThrow();
    expect(() => assert(['10.0.0.0/8'], '::ffff:10.9.9.9')).not.toThrow();
    expect(() => assert(['::ffff:10.0.0.0/104'], '10.9.9.9')).not.toThrow();
    expect(() => assert(['10.0.0.0/8'], '11.0.0.1')).not.toThrow();
    expect(() => assert(['10.0.0.0/8'], '192.168.0.1')).toThrow('private');
    expect(() => assert(['fd12::/16'], 'fd12::7')).not.toThrow();
    expect(() => assert(['::1'], '127.0.0.1')).toThrow('loopback');
    expect(() => assert(['Ollama.internal.'], 'ollama.internal', '10.0.0.7')).not.toThrow();
    expect(() => assert(['ollama.internal'], 'ollama.internal.', '10.0.0.7')).not.toThrow();
    expect(() => assert(['ollama.internal'], 'x.ollama.internal', '10.0.0.7')).toThrow('private');
    expect(() => assert(['bücher.example'], 'xn--bcher-kva.example', '10.0.0.7')).not.toThrow();
  });

  it('opens a metadata service only to exactly its address', () => {
    expect(() => assert(['169.254.0.0/16'], '169.254.169.254')).toThrow('metadata');
    expect(() => assert(['0.0.0.0/0'], '169.254.169.254')).toThrow('metadata');
    expect(() => assert(['meta.internal'], 'meta.internal', '169.254.169.254')).toThrow('metadata');
    expect(() => assert(['169.254.169.254'], '169.254.169.254')).not.toThrow();
  });

  it('names the rule and the host, and not the address that a name leads to', () => {
    const refused = () => assert([], 'db.internal', '10.3.4.5');
    expect(refused).toThrow(expect.objectContaining({ code: 'address_not_allowed' }));
    expect(refused).toThrow('db.internal');
    expect(refused).not.toThrow('10.3.4.5');
  });
});
