import { describe, expect, it } from 'vitest';
import { findPortProblems, toShownUrl, toUrl } from './service-places.ts';

const at = (port: number, host = '127.0.0.1') => ({ host, port });

describe('where the services listen', () => {
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:3001', 'http://localhost:3001'],
    ['0.0.0.0', 'http://127.0.0.1:3001', 'http://localhost:3001'],
    ['::', 'http://[::1]:3001', 'http://localhost:3001'],
    ['::1', 'http://[::1]:3001', 'http://localhost:3001'],
    ['localhost', 'http://localhost:3001', 'http://localhost:3001'],
    ['192.0.2.7', 'http://192.0.2.7:3001', 'http://192.0.2.7:3001'],
  ])('with host %s is reached at %s and shown as %s', (host, url, shown) => {
    expect(toUrl(at(3001, host))).toBe(url);
    expect(toShownUrl(at(3001, host))).toBe(shown);
  });

  it('has no port twice, none that is out of range, and none left to chance', () => {
    expect(findPortProblems({ api: at(3001), gateway: at(3002), worker: at(3003) }, 4)).toEqual([]);
    expect(findPortProblems({ api: at(3004), gateway: at(3002), worker: at(3003) }, 2)).toEqual([
      'API_PORT and WORKER_PORT are both 3004: set one of them to another port.',
    ]);
    expect(findPortProblems({ worker: at(65_534) }, 4)).toEqual([
      'WORKER_PORT: expected a lower port: 4 workers need 4 ports up to 65535',
    ]);
    expect(findPortProblems({ api: at(0), gateway: at(3002) }, 1)).toEqual(['API_PORT: expected a port number']);
  });
});
