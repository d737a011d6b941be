import { logKey } from '@nexus/common/events/event-log-names';
import { scopes } from '@nexus/common/principals/scope';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStatementCounter, type Statements } from '../bench/counts/count-statements.ts';
import { type SeenCommand, watchRedis } from '../bench/counts/watch-redis.ts';
import { createTestDatabase } from './support/create-test-database.ts';
import { makeKey } from './support/make-key.ts';
import { openTemplatePostgres, type TemplatePostgres } from './support/open-template-postgres.ts';
import { type Stack, startStack } from './support/start-stack.ts';
import { waitUntil } from './support/wait-until.ts';

const posts = 20;
/** How often all keys in use are read again, whoever asks. Milliseconds. */
const recheckMs = 2_000;

let postgres: TemplatePostgres;
let stack: Stack;
beforeAll(async () => {
  postgres = await openTemplatePostgres(['-c', 'shared_preload_libraries=pg_stat_statements']);
  const database = await createTestDatabase(postgres.url);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('CREATE EXTENSION pg_stat_statements').finally(() => client.end());
  stack = await startStack(database, { apis: 0, gateways: 0, workers: 0 });
}, 60_000);
afterAll(async () => {
  await stack?.close();
  await postgres?.close();
});

/** Posts one after the other, each through all that follows it: the job, and the event that it waits. */
async function post(headers: Record<string, string>, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) {
    const { status, body } = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'count' }, headers);
    expect(status).toBe(202);
    const key = logKey(body.conversationId, body.id);
    await waitUntil(async () => (await stack.redis.xlen(key)) > 0, { what: 'the event that says that it waits' });
  }
}

/** What so many requests cost an API that has met the caller before. */
async function countPosts(auth: 'off' | 'keys', headers: Record<string, string>) {
  const api = await stack.start('api', { NEXUS_AUTH: auth, RATE_LIMIT_PER_MINUTE: '0' });
  const counter = await openStatementCounter(stack.testDatabase.url);
  try {
    await post(headers, 5);
    const watch = await watchRedis(stack.testRedis.url);
    await counter.take();
    const from = performance.now();
    await post(headers, posts);
    const [statements, ms] = [await counter.take(), performance.now() - from];
    return { statements, ms, commands: (await watch.stop()).filter(({ client }) => client.startsWith('nexus-api')) };
  } finally {
    await counter.close();
    await api.stop();
  }
}

it('a known key adds no statement and no Redis call to a request', async () => {
  const token = await makeKey(stack.testDatabase.url, scopes);
  const open = await countPosts('off', {});
  const withKey = await countPosts('keys', { authorization: `Bearer ${token}` });
  expect(ofEachPost(open.statements).length).toBeGreaterThan(0);
  expect(ofEachPost(withKey.statements)).toEqual(ofEachPost(open.statements));
  // Those about keys are the timer's, as many as the time has room for, and one that notes the last use.
  expect(callsAboutKeys(withKey.statements)).toBeLessThanOrEqual(Math.ceil(withKey.ms / recheckMs) + 1);
  expect(namesOf(open.commands).size).toBeGreaterThan(0);
  expect(namesOf(withKey.commands)).toEqual(namesOf(open.commands));
}, 60_000);

/** How often each statement came that a post needs. Those of a new connection and of timers come less often. */
function ofEachPost(statements: Statements): { query: string; calls: number }[] {
  const often = [...statements.values()].filter(({ calls }) => calls >= posts / 2);
  return often.map(({ query, calls }) => ({ query, calls })).sort((a, b) => (a.query < b.query ? -1 : 1));
}

function callsAboutKeys(statements: Statements): number {
  const chosen = [...statements.values()].filter(({ query }) => /\b(FROM|UPDATE|JOIN) api_key\b/.test(query));
  return chosen.reduce((sum, { calls }) => sum + calls, 0);
}

/** How often each command came, without those by which a connection is watched. */
function namesOf(commands: SeenCommand[]): Map<string, number> {
  const names = commands
    .map(({ words }) => (words[0] ?? '').toLowerCase())
    .filter((name) => !/^(ping|info)$/.test(name));
  return new Map([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}
