import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack, type Stack } from './support/open-stack.ts';
import { growthByPipelining, makeLongPage, openUnread } from './support/pipeline-pages.ts';

/** A page has 4 MB; a process that works holds some copies of it. */
const mayGrowBytes = 100_000_000;

describe('requests that are sent without waiting for answers', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await openStack({ gateways: 0, workers: 0 });
  });
  afterAll(() => stack.close());

  const get = (requestId: number, path = '/api/agents?limit=1', more = '') =>
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: ${requestId}\r\n${more}\r\n`;
  const post = (requestId: number, body: string) =>
    `POST /api/conversations HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: ${requestId}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answersIn = (received: string) =>
    [...received.matchAll(/HTTP\/1\.1 (\d+)[\s\S]*?x-request-id: (\d+)/gi)].map(([, status, id]) => `${id}: ${status}`);

  it('are answered in their order, bodies and all', async () => {
    const title = JSON.stringify({ title: 'pipelined' });
    const requests = Array.from({ length: 60 }, (_, id) => (id % 3 === 0 ? post(id, title) : get(id)));
    const socket = await openUnread(
      stack.apiUrl,
      requests.join('') + get(60, '/livez') + get(61, undefined, 'Connection: close\r\n'),
    );
    const received = await text(socket);
    const expected = requests.map((_, id) => `${id}: ${id % 3 === 0 ? 201 : 200}`);
    expect(answersIn(received)).toEqual([...expected, '61: 200']); // the health of the process has no id
  });

  it('may have a body that comes in pieces, behind others that wait', async () => {
    const body = JSON.stringify({ title: 'x'.repeat(150) });
    const whole = get(1) + get(2) + post(3, body) + get(4, undefined, 'Connection: close\r\n');
    const half = whole.indexOf('xxx') + 50;
    const socket = await openUnread(stack.apiUrl, whole.slice(0, half));
    setTimeout(() => socket.write(whole.slice(half)), 300);
    expect(answersIn(await text(socket))).toEqual(['1: 200', '2: 200', '3: 201', '4: 200']);
  });

  it('are refused with the connection where there are far too many', async () => {
    const socket = await openUnread(stack.apiUrl, get(0).repeat(2_000));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {}); // cut off while it sends
    socket.resume();
    await closed;
    expect((await fetch(`${stack.apiUrl}/livez`)).status).toBe(200);
  });

  it('hold one answer in memory, not all of them', async () => {
    const path = await makeLongPage(stack);
    const grownBytes = await growthByPipelining(stack, path);
    expect(grownBytes).toBeLessThan(mayGrowBytes);
  }, 90_000);
});
