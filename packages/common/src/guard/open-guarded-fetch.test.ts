import type { LookupAddress } from 'node:dns';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAddressGuard } from './address-guard.ts';
import { openGuardedFetch } from './open-guarded-fetch.ts';

/** Stands for the public internet in these tests: the one address of this machine that the guard allows. */
const outside = '127.0.0.1';
const inside = '127.0.0.2';
const secret = 'a body that nobody outside may read';

describe('a guarded fetch', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  type Listening = { port: number; connections: () => number };

  async function open(host: string, port = 0, answer: RequestListener = (_, response) => response.end(secret)) {
    let connections = 0;
    const server: Server = createServer({ keepAlive: false }, answer);
    server.on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    return { port: (server.address() as AddressInfo).port, connections: () => connections } satisfies Listening;
  }

  /** Each call of the resolver takes the next answer; the last one stays. */
  function openFetch({ entries = [] as string[], answers = [] as string[][] }) {
    let asked = 0;
    const resolve = async (): Promise<LookupAddress[]> => {
      const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
      asked += 1;
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    };
    const opened = openGuardedFetch({
      guard: createAddressGuard(entries),
      ...(answers.length > 0 ? { resolve } : {}),
    });
    closers.push(opened.close);
    return { fetch: opened.fetch, asked: () => asked };
  }

  const refusal = (rule: string) =>
    expect.objectContaining({ code: 'address_not_allowed', message: expect.stringContaining(`(${rule})`) });

  it.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '127.0.0.1.',
    '１２７.０.０.１',
    '127。0。0。1',
    '①②⑦.0.0.1',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[::1]',
    'localhost',
    'localhost.',
    'LOCALHOST',
    'ｌｏｃａｌｈｏｓｔ',
  ])('connects to no loopback server that is called %s', async (host) => {
    const server = await open(outside);
    const { fetch } = openFetch({});
    const failed = await fetch(`http://${host}:${server.port}/`).catch((error: unknown) => error);
    expect(failed).toEqual(refusal('loopback'));
    expect(String(failed)).not.toContain(secret);
    expect(server.connections()).toBe(0);
  });

  it.each(['0.0.0.0', '[::]'])('connects to no server on %s, which leads to this machine', async (host) => {
    const server = await open(outside);
    await expect(openFetch({}).fetch(`http://${host}:${server.port}/`)).rejects.toEqual(refusal('unspecified'));
    expect(server.connections()).toBe(0);
  });

  it('takes no address with a zone, and no scheme but http and https', async () => {
    const { fetch } = openFetch({});
    await expect(fetch('http://[fe80::1%25lo]/')).rejects.toThrow('Invalid URL');
    for (const url of ['data:text/plain,x', 'file:///etc/passwd', 'ftp://example.com/'])
      await expect(fetch(url)).rejects.toEqual(refusal('scheme'));
  });

  it('reaches what the allow-list names, by the address that was checked', async () => {
    const server = await open(outside);
    const { fetch, asked } = openFetch({ entries: [outside], answers: [[outside]] });
    const response = await fetch(`http://provider.example:${server.port}/`);
    expect(await response.text()).toBe(secret);
    expect(asked()).toBe(1);
  });

  it('is not led inside by a name that resolves to a public address first and to a private one second', async () => {
    const public1 = await open(outside);
    const private1 = await open(inside, public1.port);
    const { fetch, asked } = openFetch({ entries: [outside], answers: [[outside], [inside]] });
    const url = `http://rebinding.example:${public1.port}/`;
    await (await fetch(url)).text();
    expect([asked(), public1.connections()]).toEqual([1, 1]); // a check apart from the connection would have asked twice
    await expect(fetch(url)).rejects.toEqual(refusal('loopback'));
    expect([asked(), public1.connections(), private1.connections()]).toEqual([2, 1, 0]);
  });

  it.each([[[outside, inside]], [[inside, outside]], [['8.8.8.8', inside]], [['2606:4700::1111', '::ffff:127.0.0.2']]])(
    'refuses a name with the addresses %j, of which one is private',
    async (addresses) => {
      const public1 = await open(outside);
      const private1 = await open(inside, public1.port);
      const { fetch } = openFetch({ entries: [outside], answers: [addresses] });
      await expect(fetch(`http://mixed.example:${public1.port}/`)).rejects.toEqual(refusal('loopback'));
      expect([public1.connections(), private1.connections()]).toEqual([0, 0]);
    },
  );

  it.each([
    ['an address', () => inside],
    ['a name', () => 'localhost'],
    ['an address written as a number', () => '2130706434'],
  ])('follows no redirect to %s that may not be called', async (_what, host) => {
    const private1 = await open(inside);
    const redirecting = await open(outside, 0, (_, response) => {
      response.writeHead(302, { location: `http://${host()}:${private1.port}/` }).end();
    });
    const opened = openGuardedFetch({
      guard: createAddressGuard([outside]),
      resolve: async () => [{ address: inside, family: 4 }],
    });
    closers.push(opened.close);
    const failed = await opened.fetch(`http://${outside}:${redirecting.port}/`).catch((error: unknown) => error);
    expect(failed).toEqual(refusal('loopback'));
    expect(JSON.stringify(failed)).not.toContain(secret);
    expect([redirecting.connections(), private1.connections()]).toEqual([1, 0]);
  });

  it('passes on what else goes wrong as it is', async () => {
    const { fetch } = openFetch({ answers: [[]] });
    await expect(fetch('http://nowhere.example/')).rejects.toMatchObject({ cause: { code: 'ENOTFOUND' } });
  });
});
