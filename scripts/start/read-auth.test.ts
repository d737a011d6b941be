import { describe, expect, it } from 'vitest';
import { readAuth } from './read-auth.ts';

const loopback = { API_HOST: '127.0.0.1', GATEWAY_HOST: undefined };

describe('npm start', () => {
  it.each([
    ['is open on loopback', undefined, false, loopback, 'off'],
    ['asks for keys where --auth is given', undefined, true, loopback, 'keys'],
    ['asks for keys where NEXUS_AUTH says so', 'keys', false, loopback, 'keys'],
    ['asks for keys by --auth though NEXUS_AUTH is off', 'off', true, loopback, 'keys'],
    ['is open beyond loopback where NEXUS_AUTH=off says so', 'off', false, { API_HOST: '0.0.0.0' }, 'off'],
  ] as const)('%s', (_what, named, withKeys, hosts, auth) => {
    expect(readAuth(named, withKeys, hosts)).toEqual({ auth, problems: [] });
  });

  it('names the host that would open it to other machines by accident', () => {
    const { problems } = readAuth(undefined, false, { API_HOST: '0.0.0.0', GATEWAY_HOST: '127.0.0.1' });
    expect(problems).toEqual([expect.stringMatching(/^API_HOST: .*--auth/)]);
  });
});
