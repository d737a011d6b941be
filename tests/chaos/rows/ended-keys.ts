import { scopes } from '@nexus/common/principals/scope';
import { io } from 'socket.io-client';
import { makeKey } from '../../support/make-key.ts';
import type { Stack } from '../../support/start-stack.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type ChaosRow, must, mustSayUnready, seconds, sleep } from '../chaos-row.ts';

/** What the design promises: a key that ended works nowhere after this. Milliseconds. */
const limitMs = 5_000;
/** The streams of all keys last longer than the row. */
const words = 600;
const echoDelayMs = '50';

type Key = { id: string; token: string };
type Use = { name: string; isOver(): boolean };
type Uses = { all: Use[]; close(): void };

export const endedKeys: ChaosRow = {
  id: '23',
  title: 'a key is revoked, and another one expires, while Redis is away',
  async run({ open }) {
    const { stack } = await open({
      workers: 1,
      apis: 2,
      gateways: 2,
      env: { NEXUS_AUTH: 'keys', ECHO_DELAY_MS: echoDelayMs },
    });
    const operator = await makeKey(stack.testDatabase.url, scopes);
    const revoked = await createKey(stack, operator, null);
    const expiresAt = Date.now() + 12_000;
    const expiring = await createKey(stack, operator, new Date(expiresAt));
    const body = { agentId: stack.echoAgentId, message: 'word '.repeat(words) };
    const { body: posted } = await stack.api.invoke(body, asHeader(operator));
    const [kept, ofRevoked, ofExpiring] = await Promise.all(
      [operator, revoked.token, expiring.token].map((token) => use(stack, token, posted.id)),
    );
    must(kept && ofRevoked && ofExpiring, 'not in use');
    try {
      await stack.testRedis.stop();
      await mustSayUnready([...stack.apis, ...stack.gateways], 'redis');
      await mustWork(stack, operator, kept);
      await mustWork(stack, revoked.token, ofRevoked);
      const revokedAt = performance.now();
      const { status } = await stack.api.send('DELETE', `/api/keys/${revoked.id}`, undefined, asHeader(operator));
      must(status === 204, `the revocation was answered ${status}`);
      await mustEnd(stack, revoked.token, ofRevoked, limitMs - (performance.now() - revokedAt));
      const revokedMs = performance.now() - revokedAt;

      must(Date.now() < expiresAt, 'the other key has expired too early for this row');
      await mustWork(stack, expiring.token, ofExpiring);
      await sleep(expiresAt - Date.now());
      await mustEnd(stack, expiring.token, ofExpiring, limitMs - (Date.now() - expiresAt));
      const expiredMs = Date.now() - expiresAt;
      await mustWork(stack, operator, kept); // so it was not for want of Redis that the others ended
      await stack.testRedis.start();
      return `over everywhere ${seconds(revokedMs)} after the revocation, and ${seconds(expiredMs)} after the expiry`;
    } finally {
      for (const uses of [kept, ofRevoked, ofExpiring]) uses.close();
    }
  },
};

async function createKey({ api }: Stack, operator: string, expiresAt: Date | null): Promise<Key> {
  const body = { name: 'Ends', scopes: ['read', 'invoke'], expiresAt };
  return (await api.send<Key>('POST', '/api/keys', body, asHeader(operator))).body;
}

/** An event stream of each API, and a socket of each gateway. */
async function use(stack: Stack, token: string, invocationId: string): Promise<Uses> {
  const leave = new AbortController();
  const streams = stack.apis.map(async ({ url }): Promise<Use> => {
    const response = await fetch(`${url}/api/invocations/${invocationId}/events`, {
      headers: { accept: 'text/event-stream', ...asHeader(token) },
      signal: leave.signal,
    });
    must(response.ok && response.body, `a stream was answered ${response.status}`);
    let isOver = false;
    const ended = () => {
      isOver = true;
    };
    response.body.pipeTo(new WritableStream()).then(ended, ended);
    return { name: `a stream of ${url}`, isOver: () => isOver };
  });
  const sockets = stack.gateways.map(({ url }) =>
    io(url, { transports: ['websocket'], reconnection: false, forceNew: true, auth: { token } }),
  );
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise((resolve, reject) => socket.once('connection:ready', resolve).once('connect_error', reject)),
    ),
  );
  const ofSockets = sockets.map((socket, at): Use => ({ name: `socket ${at}`, isOver: () => !socket.connected }));
  return {
    all: [...(await Promise.all(streams)), ...ofSockets],
    close() {
      leave.abort();
      for (const socket of sockets) socket.close();
    },
  };
}

const statusesOf = ({ apis }: Stack, token: string) =>
  Promise.all(apis.map(async ({ url }) => (await fetch(`${url}/api/agents`, { headers: asHeader(token) })).status));

const stillOn = ({ all }: Uses) => all.filter((each) => !each.isOver()).map(({ name }) => name);

async function mustWork(stack: Stack, token: string, uses: Uses): Promise<void> {
  const statuses = await statusesOf(stack, token);
  must(
    statuses.every((status) => status === 200),
    `a good key was answered ${statuses}`,
  );
  const on = stillOn(uses);
  must(on.length === uses.all.length, `of a good key only these were left: ${on}`);
}

async function mustEnd(stack: Stack, token: string, uses: Uses, timeoutMs: number): Promise<void> {
  let left = '';
  await waitUntil(
    async () => {
      const statuses = await statusesOf(stack, token);
      const on = stillOn(uses);
      left = `REST answered ${statuses}, still open: ${on}`;
      return on.length === 0 && statuses.every((status) => status === 401);
    },
    { what: 'everything of a key that ended to end', timeoutMs, everyMs: 50 },
  ).catch(({ message }: Error) => must(false, `${message}: ${left}`));
}

function asHeader(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}
