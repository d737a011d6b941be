import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createPost } from './post.ts';
import { reasonOf } from './reason-of.ts';

const withCode = (code: string) => Object.assign(new Error('failed'), { code });

describe('reasonOf', () => {
  it.each([
    ['ENOTFOUND', 'no such host name'],
    ['ECONNREFUSED', 'nothing listens there'],
    ['ETIMEDOUT', 'no answer from the network'],
    ['EPROTO', 'TLS'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'unknown authority'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unknown authority'],
    ['CERT_HAS_EXPIRED', 'expired'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'another host name'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'does not use TLS'],
    ['HPE_INVALID_CONSTANT', 'does not use HTTP'],
    ['UND_ERR_SOCKET', 'closed'],
  ])('says in plain words what %s is', (code, words) => {
    expect(reasonOf(withCode(code))).toMatch(new RegExp(`^${code}: .*${words}`));
  });

  it('finds the code within causes and connection attempts', () => {
    expect(reasonOf(new Error('fetch failed', { cause: new AggregateError([withCode('ECONNREFUSED')]) }))).toMatch(
      /^ECONNREFUSED/,
    );
  });

  it('reports that a server does not use HTTP', async () => {
    const server = createServer((socket) =>
      socket
        .resume()
        .on('error', () => {})
        .end('SSH-2.0-hello\r\n'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const never = new AbortController().signal;
    const error = await createPost()({ url, headers: {}, credentials: {}, body: '{}' }, never).catch((cause) => cause);
    expect(reasonOf(error)).toContain('does not use HTTP');
    await new Promise((resolve) => server.close(resolve));
  });

  it('shows only the code if it has no words for it', () => {
    expect(reasonOf(withCode('EWHATEVER'))).toBe('EWHATEVER');
    expect(reasonOf(withCode('secret words'))).toBeNull();
    expect(reasonOf(new Error('secret words'))).toBeNull();
  });
});
