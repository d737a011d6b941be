import { expect, it } from 'vitest';
import { countFlushes, parseClientNames } from './watch-redis.ts';

it('reads which connection has which name', () => {
  const list =
    'id=3 addr=127.0.0.1:501 laddr=127.0.0.1:6379 fd=8 name=nexus-worker-commands age=1\nid=4 addr=127.0.0.1:502 laddr=127.0.0.1:6379 fd=9 name= age=1\n';
  expect(parseClientNames(list)).toEqual(
    new Map([
      ['127.0.0.1:501', 'nexus-worker-commands'],
      ['127.0.0.1:502', ''],
    ]),
  );
});

it('counts a call that does not append as a round trip without a flush, and other connections not at all', () => {
  const conversation = 'nexus:{01a212c0-39b6-745c-bf6e-d56ba45e1cfa}';
  const key = `${conversation}:log:i`;
  const commands = [
    { client: 'nexus-worker-commands', words: ['evalsha', 'x', key], inner: ['xadd', 'publish', 'xadd', 'publish'] },
    { client: 'nexus-worker-commands', words: ['exists', `${conversation}:cancel:i`], inner: [] },
    { client: 'nexus-worker-queue', words: ['evalsha', 'y', 'nexus:{openai}:q:wait'], inner: ['xadd'] },
    { client: 'nexus-api-commands', words: ['evalsha', 'x', key], inner: ['xadd'] },
  ];
  expect(countFlushes(commands)).toEqual({ flushes: 1, roundTrips: 2, entries: 2 });
});
