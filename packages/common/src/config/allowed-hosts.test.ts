import { describe, expect, it } from 'vitest';
import { createHostCheck } from './allowed-hosts.ts';
import { accessFields } from './config-fields.ts';

describe('the hosts that a service may be called by', () => {
  it.each([
    'localhost',
    'localhost:3001',
    'LOCALHOST:3001',
    'nexus.localhost:3001',
    '127.0.0.1:3001',
    '10.1.2.3',
    '[::1]:3001',
    '[::1]',
    undefined,
  ])('are loopback and addresses: %s', (host) => {
    expect(createHostCheck([])(host)).toBe(true);
  });

  it.each([
    'rebound.example:3001',
    'rebound.example',
    'localhost.rebound.example:3001',
    'notlocalhost',
    '127.0.0.1.rebound.example',
    '127.0.0.1:3001@rebound.example',
    '[rebound.example]:3001',
    'localhost:3001:3001',
    '',
  ])('are no others: %j', (host) => {
    expect(createHostCheck([])(host)).toBe(false);
  });

  it('are those that are allowed, whatever the port', () => {
    const isAllowed = createHostCheck(['Nexus.example']);
    expect(['nexus.example', 'NEXUS.example:8443', 'nexus.example.:80', 'sub.nexus.example'].map(isAllowed)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it.each(['nexus.example:8443', 'https://nexus.example', '*.example', '[::1]', 'a b', '.example', 'example.'])(
    'are not set as %j, which no name is like',
    (entry) => {
      expect(accessFields.ALLOWED_HOSTS.safeParse(entry).error?.issues[0]?.message).toMatch(/^expected names/);
    },
  );

  it('are set as names separated by commas', () => {
    expect(accessFields.ALLOWED_HOSTS.parse('nexus.example, n, my_host,*')).toEqual([
      'nexus.example',
      'n',
      'my_host',
      '*',
    ]);
  });

  it('are all with *', () => {
    expect(createHostCheck(['localhost', '*'])('any.example:1')).toBe(true);
  });
});
