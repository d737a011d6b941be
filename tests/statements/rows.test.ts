import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPossiblyMissed, type PossiblyMissed } from '@nexus/common/feeds/load-possibly-missed';
import { loadSnapshot, type SnapshotRow } from '@nexus/common/feeds/load-snapshot';
import { loadStanding, type StandingRow } from '@nexus/common/feeds/load-standing';
import { createWaitingAnnouncer } from '@nexus/common/invocations/announce-waiting';
import { type InsertedRow, type Insertion, insertInvocations } from '@nexus/common/invocations/insert-invocations';
import { invocationSettingsSchema } from '@nexus/common/invocations/invocation-settings';
import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import { type CancelRow, cancelInvocation } from '@nexus/common/invocations/status/cancel-invocation';
import {
  type Claim,
  type ContextSource,
  claimInvocations,
  loadContextSource,
  type WithBrought,
} from '@nexus/common/invocations/status/claim-invocations';
import { dispatchNext } from '@nexus/common/invocations/status/dispatch-next';
import type { DispatchRow } from '@nexus/common/invocations/status/dispatch-row';
import type { Ended } from '@nexus/common/invocations/status/ended';
import type { Ending } from '@nexus/common/invocations/status/ending';
import { finishInvocations } from '@nexus/common/invocations/status/finish-invocations';
import { handBackInvocation } from '@nexus/common/invocations/status/hand-back-invocation';
import { markEnqueued, type Waiting } from '@nexus/common/invocations/status/mark-enqueued';
import { readEnded } from '@nexus/common/invocations/status/read-ended';
import { redispatchInvocation } from '@nexus/common/invocations/status/redispatch-invocation';
import { requeueLost } from '@nexus/common/invocations/status/requeue-lost';
import { noteUsage, unknownUsage } from '@nexus/common/invocations/usage-record';
import { newId } from '@nexus/common/postgres/new-id';
import { type Database, openDatabase } from '@nexus/common/postgres/open-database';
import { createKey } from '@nexus/common/principals/create-key';
import { type KeyRow, loadKeys } from '@nexus/common/principals/load-keys';
import { scopes } from '@nexus/common/principals/scope';
import type { ProviderName } from '@nexus/common/queue/provider-name';
import { providerNames } from '@nexus/common/queue/provider-name';
import { contextOf } from '@nexus/common/secrets/encrypted-columns';
import { rotateSecrets } from '@nexus/common/secrets/rotate-secrets';
import { createSecretRing } from '@nexus/common/secrets/secret-ring';
import { loadSecretUses, type SecretUse } from '@nexus/common/secrets/secret-uses';
import { type ErrorCode, errorMeanings } from '@nexus/protocol/error-codes';
import { invocationStatuses } from '@nexus/protocol/invocation-status';
import { type MultitaskStrategy, multitaskStrategies } from '@nexus/protocol/multitask-strategy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type ConversationRow,
  findPageEnd,
  findRolledBack,
  insertConversation,
  type PageEnd,
} from '../../services/api/src/conversations/conversation-routes.ts';
import { loadPageIds } from '../../services/api/src/http/load-page-ids.ts';
import { countWorkersOnline } from '../../services/api/src/invocations/count-workers-online.ts';
import { findAgent, type NamedAgent } from '../../services/api/src/protocols/openai-chat/find-agent.ts';
import { loadWatchable, type WatchableInvocation } from '../../services/gateway/src/watching/load-watchable.ts';
import { beatHeart, type Heartbeat, registerWorker } from '../../services/worker/src/presence/worker-row.ts';
import { dropContexts } from '../../services/worker/src/sweep/drop-contexts.ts';
import {
  type EnqueuedRow,
  findAlive,
  findEnqueued,
  findRecoveries,
  type Recovery,
} from '../../services/worker/src/sweep/find-recoveries.ts';
import { openTestDatabase, type TestDatabase } from '../support/open-test-database.ts';
import { checkRows, type Statement, statementOf } from './statement-rows.ts';

const id = z.uuid();
const ms = z.number();
const provider = z.enum(providerNames as [ProviderName, ...ProviderName[]]);
const status = z.enum(invocationStatuses);
const errorCode = z.enum(Object.keys(errorMeanings) as [ErrorCode, ...ErrorCode[]]);
const attemptId = { invocationId: id, conversationId: id, attempt: z.int() };
const timings = { provider, durationMs: ms, firstPartMs: ms.nullable(), cancelMs: ms.nullable() };
const ended = {
  ...timings,
  status: z.enum(['completed', 'failed', 'cancelled']),
  messageId: id.nullable(),
  hasNext: z.boolean(),
};
const dispatchRow = z.strictObject({
  invocationId: id,
  conversationId: id,
  dispatch: z.int(),
  provider,
  delayMs: ms,
  begun: z.boolean().exactOptional(),
});
const contextSource = {
  settings: invocationSettingsSchema.strict(),
  input: z.string(),
  brought: z
    .strictObject({
      messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.string() })),
      systemText: z.string(),
    })
    .nullable(),
  history: z.array(
    z.strictObject({
      role: z.enum(['user', 'assistant']),
      content: z.string(),
      tokenCount: z.int().nullable(),
      turn: z.int(),
      position: z.int(),
    }),
  ),
};
const invocationRow = z.strictObject({
  id,
  conversationId: id,
  agentId: id.nullable(),
  status,
  provider,
  createdAt: z.iso.datetime(),
  dispatch: z.int(),
  multitaskStrategy: z.enum(multitaskStrategies),
  requestHash: z.hex().nullable(),
});

const ending: Omit<Ending, keyof AttemptId> = {
  status: 'completed',
  error: null,
  lastSeq: 9,
  step: {
    text: 'the answer',
    textTokens: 2,
    reasoning: 'a thought',
    inputTokens: 1,
    finishReason: 'stop',
    firstTokenAgoMs: 5,
    usage: { ...unknownUsage, inputTokens: 1 },
  },
};
const failed: Omit<Ending, keyof AttemptId> = {
  ...ending,
  status: 'failed',
  error: { code: 'provider_unavailable', message: 'no' },
  step: { ...ending.step, text: '', reasoning: '', firstTokenAgoMs: null },
};

describe('the rows of each statement are of the type that it is given', () => {
  let file: TestDatabase;
  let database: Database;
  let close: () => Promise<void>;
  let agent: { id: string; workspaceId: string };
  let workerId: string;

  beforeAll(async () => {
    file = await openTestDatabase();
    ({ database, close } = openDatabase(file.url, { poolSize: 4, name: 'test', logger: { warn() {} } }));
    agent = await database.agent.findFirstOrThrow({ where: { active: true, provider: 'echo' } });
    workerId = newId();
    await registerWorker(database, { id: workerId, ...identity });
  });
  afterAll(async () => {
    await close();
    await file.close();
  });

  const identity = { hostname: 'here', pid: 1, providers: ['echo' as const], unconfigured: [], concurrency: 1 };

  const insertion = (
    conversationId?: string,
    multitaskStrategy: MultitaskStrategy = 'enqueue',
    key: string | null = null,
  ): Insertion => ({
    principal: { workspaceId: agent.workspaceId, keyId: null, userId: null },
    input: {
      agentId: agent.id,
      message: 'Hello',
      multitaskStrategy,
      metadata: {},
      overrides: {},
      ...(conversationId === undefined ? {} : { conversationId }),
    },
    idempotencyKey: key,
    requestHash: key === null ? null : new Uint8Array(32),
  });
  /** A queued invocation, and how statements name it. */
  async function queue(conversationId?: string) {
    const [result] = await insertInvocations(database, [insertion(conversationId)]);
    if (!result?.created) throw new Error('not inserted');
    const { id: invocationId, conversationId: itsConversation } = result.created;
    return { invocationId, conversationId: itsConversation, dispatch: 1, attempt: 1, workspaceId: agent.workspaceId };
  }
  /** One whose request brought its own context along. */
  async function bring() {
    const { input, ...rest } = insertion();
    const messages = [
      { role: 'user' as const, content: 'Before' },
      { role: 'assistant' as const, content: 'Answered' },
    ];
    const context = { messages, systemText: 'Be brief.', store: false };
    const [result] = await insertInvocations(database, [{ ...rest, input: { ...input, context } }]);
    if (!result?.created) throw new Error('not inserted');
    return { invocationId: result.created.id, dispatch: 1 };
  }
  async function run(conversationId?: string) {
    const queued = await queue(conversationId);
    await claimInvocations(database, [queued], workerId);
    return queued;
  }
  async function finish(conversationId?: string, how: Omit<Ending, keyof AttemptId> = ending) {
    const running = await run(conversationId);
    await finishInvocations(database, 'running', [{ ...running, ...how }]);
    return running;
  }
  const handBack = { reason: 'worker_stopping', delayMs: 0, usage: null } as const;

  const newSecret = 'a newer secret of thirty-two characters!';
  async function storeConnection(secret: string): Promise<void> {
    const connection = newId();
    const headers = createSecretRing([secret]).encrypt('{}', contextOf('connectionHeaders', connection));
    const { workspaceId } = agent;
    await database.connection.create({
      data: { id: connection, workspaceId, name: connection, provider: 'openai', headers },
    });
  }

  const statements: Statement[] = [
    statementOf<SnapshotRow>(
      'packages/common/src/feeds/load-snapshot.ts',
      z.strictObject({
        status,
        lastSeq: z.bigint(),
        errorCode: errorCode.nullable(),
        errorMessage: z.string().nullable(),
        outputMessageId: id.nullable(),
        at: z.date(),
        text: z.string().nullable(),
        reasoning: z.string().nullable(),
        finishReason: z.string().nullable(),
        usage: z
          .strictObject({
            inputTokens: z.int(),
            outputTokens: z.int(),
            cachedTokens: z.int(),
            reasoningTokens: z.int().nullable(),
            source: z.enum(['provider', 'estimated']),
          })
          .nullable(),
      }),
      async (recorded) => {
        for (const each of [await queue(), await run(), await finish(), await finish(undefined, failed)])
          await loadSnapshot(recorded, each);
      },
    ),
    statementOf<PossiblyMissed>(
      'packages/common/src/feeds/load-possibly-missed.ts',
      z.strictObject({ conversationId: id, invocationId: id, begunAgoMs: ms.nullable() }),
      async (recorded) => {
        const { conversationId } = await finish();
        await queue(conversationId);
        await loadPossiblyMissed(recorded, [conversationId]);
      },
    ),
    statementOf<StandingRow>(
      'packages/common/src/feeds/load-standing.ts',
      z.strictObject({ status, lastSeq: z.bigint(), begunAgoMs: ms }),
      async (recorded) => {
        for (const each of [await queue(), await finish()]) await loadStanding(recorded, each);
      },
    ),
    statementOf<{ provider: string; count: number }>(
      'packages/common/src/invocations/announce-waiting.ts',
      z.strictObject({ provider, count: z.int() }),
      (recorded) =>
        new Promise((resolve) => {
          const announce = createWaitingAnnouncer({
            database: recorded,
            logger: { warn() {} },
            appender: {
              append: async () => {
                resolve(undefined);
                return { seq: 1, cancelWanted: false };
              },
            },
          });
          announce({ id: newId(), conversationId: newId(), provider: 'echo' });
        }),
    ),
    statementOf<InsertedRow>(
      'packages/common/src/invocations/insert-invocations.ts',
      z.strictObject({
        known: invocationRow.nullable(),
        agent: z
          .strictObject({ active: z.boolean(), provider, unconfigured: z.boolean(), lacksConnection: z.boolean() })
          .nullable(),
        conversationFound: z.boolean(),
        createdAt: z.date().nullable(),
        dispatch: z.int(),
        before: z.array(id),
      }),
      async (recorded) => {
        const { conversationId } = await queue();
        await insertInvocations(recorded, [insertion(undefined, 'enqueue', 'key')]);
        await insertInvocations(recorded, [insertion(undefined, 'enqueue', 'key')]);
        await insertInvocations(recorded, [insertion(conversationId, 'interrupt')]);
        await insertInvocations(recorded, [
          insertion(),
          insertion(conversationId, 'parallel'),
          insertion(newId()),
          { ...insertion(), input: { ...insertion().input, agentId: newId() } },
        ]);
      },
    ),
    statementOf<unknown>(
      'packages/common/src/invocations/usage-record.ts',
      z.strictObject({ '?column?': z.literal(1) }),
      async (recorded) => {
        const lost = await run();
        await requeueLost(database, lost, workerId);
        await noteUsage(recorded, lost, { ...unknownUsage, inputTokens: 3 });
      },
    ),
    statementOf<CancelRow>(
      'packages/common/src/invocations/status/cancel-invocation.ts',
      z.strictObject({
        ...attemptId,
        status,
        timings: z.strictObject(timings).nullable(),
        workerId: id.nullable(),
        provider,
        dispatch: z.int(),
        hasNext: z.boolean(),
      }),
      async (recorded) => {
        for (const each of [await queue(), await run(), await finish()])
          await cancelInvocation(recorded, { ...each, lastSeq: 1 });
      },
    ),
    statementOf<ContextSource & WithBrought>(
      'packages/common/src/invocations/status/claim-invocations.ts',
      z.strictObject(contextSource),
      async (recorded) => {
        const { conversationId } = await finish();
        await loadContextSource(recorded, (await queue(conversationId)).invocationId);
        await loadContextSource(recorded, (await bring()).invocationId);
      },
    ),
    statementOf<Claim & WithBrought>(
      'packages/common/src/invocations/status/claim-invocations.ts',
      z.strictObject({
        ...attemptId,
        ...contextSource,
        workspaceId: id,
        agentId: id.nullable(),
        agentName: z.string().nullable(),
        inputMessageId: id,
        deadlineInMs: ms.nullable(),
        waitedMs: ms,
        lostAttempts: z.int(),
        restartReason: errorCode.nullable(),
      }),
      async (recorded) => {
        const { conversationId } = await finish();
        await claimInvocations(recorded, [await queue(conversationId), await bring()], workerId);
        const again = await run();
        await handBackInvocation(database, again, handBack);
        await claimInvocations(recorded, [{ ...again, dispatch: 2 }], workerId);
        const [late] = await insertInvocations(database, [
          { ...insertion(), input: { ...insertion().input, deadlineMs: 60_000 } },
        ]);
        await claimInvocations(recorded, [{ invocationId: late?.created?.id ?? '', dispatch: 1 }], workerId);
      },
    ),
    statementOf<DispatchRow>(
      'packages/common/src/invocations/status/dispatch-next.ts',
      dispatchRow,
      async (recorded) => {
        const { invocationId, conversationId, workspaceId } = await queue();
        await queue(conversationId);
        await cancelInvocation(database, { invocationId, workspaceId, lastSeq: 1 });
        await dispatchNext(recorded, conversationId);
      },
    ),
    statementOf<Ended & { id: string }>(
      'packages/common/src/invocations/status/finish-invocations.ts',
      z.strictObject({ ...ended, id }),
      async (recorded) => {
        const [said, silent, unwanted] = [await run(), await run(), await run()];
        await cancelInvocation(database, { ...unwanted, lastSeq: 1 });
        await finishInvocations(recorded, 'running', [
          { ...said, ...ending },
          { ...silent, ...failed },
          { ...unwanted, ...ending },
        ]);
      },
    ),
    statementOf<DispatchRow>(
      'packages/common/src/invocations/status/hand-back-invocation.ts',
      dispatchRow,
      async (recorded) => handBackInvocation(recorded, await run(), handBack),
    ),
    statementOf<Waiting>(
      'packages/common/src/invocations/status/mark-enqueued.ts',
      z.strictObject({ invocationId: id, noted: z.boolean() }),
      async (recorded) => {
        const queued = await queue();
        for (let times = 0; times < 2; times += 1) await markEnqueued(recorded, [queued]);
      },
    ),
    statementOf<Ended>(
      'packages/common/src/invocations/status/read-ended.ts',
      z.strictObject(ended),
      async (recorded) => {
        for (const each of [await finish(), await finish(undefined, failed)]) await readEnded(recorded, each);
      },
    ),
    statementOf<DispatchRow>(
      'packages/common/src/invocations/status/redispatch-invocation.ts',
      dispatchRow,
      async (recorded) => redispatchInvocation(recorded, await queue()),
    ),
    statementOf<DispatchRow>('packages/common/src/invocations/status/requeue-lost.ts', dispatchRow, async (recorded) =>
      requeueLost(recorded, await run(), workerId),
    ),
    statementOf<{ invocations: WatchableInvocation[] }>(
      'services/gateway/src/watching/load-watchable.ts',
      z.strictObject({ invocations: z.array(z.strictObject({ id, status, lastSeq: z.int() })) }),
      async (recorded) => {
        const { invocationId, conversationId, workspaceId } = await finish();
        const principal = { workspaceId } as Parameters<typeof loadWatchable>[1];
        await loadWatchable(recorded, principal, conversationId, [invocationId]);
        await loadWatchable(recorded, principal, conversationId, []);
      },
    ),
    statementOf<{ lockKey: number }>(
      'services/worker/src/presence/worker-row.ts',
      z.strictObject({ lockKey: z.int() }),
      (recorded) => registerWorker(recorded, { id: newId(), ...identity }),
    ),
    statementOf<Heartbeat>(
      'services/worker/src/presence/worker-row.ts',
      z.strictObject({
        known: z.boolean(),
        verdicts: z.array(z.strictObject({ invocationId: id, verdict: z.enum(['lost', 'cancelled']) })),
        notInHand: z.array(z.strictObject(attemptId)),
      }),
      async (recorded) => {
        const [unwanted, over] = [await run(), await finish()];
        await cancelInvocation(database, { ...unwanted, lastSeq: 1 });
        const beat = await beatHeart(recorded, workerId, [unwanted, over], []);
        expect(beat.verdicts.map(({ verdict }) => verdict).toSorted()).toEqual(['cancelled', 'lost']);
        expect(beat.notInHand).not.toEqual([]);
      },
    ),
    statementOf<Recovery>(
      'services/worker/src/sweep/find-recoveries.ts',
      z.strictObject({
        ...attemptId,
        cause: z.enum(['enqueue', 'next', 'cancel', 'expire', 'lost']),
        workspaceId: id,
        provider,
        dispatch: z.int(),
        delayMs: ms,
        workerId: id.nullable(),
        lostAttempts: z.int(),
        onWorkerLoss: z.enum(['restart', 'fail']),
        cancelRequested: z.boolean(),
      }),
      async (recorded) => {
        const [left, unwanted, late] = [await queue(), await queue(), await queue()];
        await database.query`UPDATE invocation SET created_at = now() - interval '1 s' WHERE id = ${left.invocationId}::uuid`;
        await database.query`UPDATE invocation SET cancel_requested_at = now() - interval '1 s' WHERE id = ${unwanted.invocationId}::uuid`;
        await database.query`UPDATE invocation SET deadline_at = now() - interval '1 s' WHERE id = ${late.invocationId}::uuid`;
        const orphan = await run();
        await database.query`UPDATE invocation SET worker_id = ${newId()}::uuid WHERE id = ${orphan.invocationId}::uuid`;
        const found = await findRecoveries(recorded, newId());
        expect(found.map(({ cause }) => cause)).toEqual(
          expect.arrayContaining(['enqueue', 'cancel', 'expire', 'lost']),
        );
      },
    ),
    statementOf<EnqueuedRow>(
      'services/worker/src/sweep/find-recoveries.ts',
      dispatchRow.required(),
      async (recorded) => {
        const { invocationId } = await queue();
        await database.query`UPDATE invocation SET enqueued_at = now() - interval '2 s' WHERE id = ${invocationId}::uuid`;
        await findEnqueued(recorded, '00000000-0000-0000-0000-000000000000', 500);
      },
    ),
    statementOf<{ id: string }>('services/worker/src/sweep/find-recoveries.ts', z.strictObject({ id }), (recorded) =>
      findAlive(recorded, [workerId]),
    ),
    ...[1, 2].map(() =>
      statementOf<{ id: string; value?: string | undefined }>(
        'packages/common/src/secrets/rotate-secrets.ts',
        z.union([z.strictObject({ id, value: z.string() }), z.strictObject({ id })]),
        async (recorded) => {
          await storeConnection('an older secret of thirty-two characters');
          await rotateSecrets(recorded, createSecretRing([newSecret, 'an older secret of thirty-two characters']));
        },
      ),
    ),
    statementOf<SecretUse>(
      'packages/common/src/secrets/secret-uses.ts',
      z.strictObject({ secretId: z.string(), table: z.string(), rows: z.int() }),
      async (recorded) => {
        await storeConnection(newSecret);
        await loadSecretUses(recorded);
      },
    ),
    statementOf<KeyRow>(
      'packages/common/src/principals/load-keys.ts',
      z.strictObject({
        leaf: id,
        depth: z.int(),
        workspaceId: id,
        hash: z.instanceof(Uint8Array),
        previousHash: z.instanceof(Uint8Array).nullable(),
        previousHashUntil: ms.nullable(),
        scopes: z.array(z.enum(scopes)),
        agentIds: z.array(id),
        expiresAt: ms.nullable(),
        revoked: z.boolean(),
      }),
      async (recorded) => {
        const { workspaceId } = agent;
        const key = { workspaceId, name: 'Test', scopes: ['read' as const], agentIds: [agent.id] };
        const maker = await createKey(database, { ...key, expiresAt: new Date(), createdById: null });
        const { row } = await createKey(database, { ...key, expiresAt: null, createdById: maker.row.id });
        expect((await loadKeys(recorded, [row.id])).size).toBe(1);
      },
    ),
    statementOf<ConversationRow>(
      'services/api/src/conversations/conversation-routes.ts',
      z.strictObject({
        id,
        title: z.string(),
        userId: z.string().nullable(),
        externalId: z.string().nullable(),
        messageCount: z.int(),
        line: z.array(id),
        createdAt: z.date(),
        updatedAt: z.date(),
      }),
      async (recorded) => {
        const principal = { workspaceId: agent.workspaceId, userId: null } as Parameters<typeof insertConversation>[1];
        await insertConversation(recorded, principal, { title: 'A title' });
        await insertConversation(recorded, principal, { title: 'Named', userId: 'ada', externalId: newId() });
      },
    ),
    statementOf<PageEnd>(
      'services/api/src/conversations/conversation-routes.ts',
      z.strictObject({ last: z.int(), more: z.boolean() }),
      async (recorded) => {
        const { conversationId } = await finish();
        for (const limit of [1, 10]) await findPageEnd(recorded, { conversationId, after: 0, limit });
        await findPageEnd(recorded, { conversationId, after: 99, limit: 1 });
      },
    ),
    statementOf<{ id: string }>(
      'services/api/src/conversations/conversation-routes.ts',
      z.strictObject({ id }),
      async (recorded) => {
        const { invocationId } = await finish();
        await database.query`UPDATE invocation SET rolled_back = true WHERE id = ${invocationId}::uuid`;
        await findRolledBack(recorded, [invocationId]);
      },
    ),
    statementOf<{ provider: string; count: number }>(
      'services/api/src/invocations/count-workers-online.ts',
      z.strictObject({ provider, count: z.int() }),
      (recorded) => countWorkersOnline(recorded),
    ),
    statementOf<NamedAgent>(
      'services/api/src/protocols/openai-chat/find-agent.ts',
      z.strictObject({
        id,
        slug: z.string().nullable(),
        active: z.boolean(),
        createdAt: z.date(),
        allowOverrides: z.boolean(),
        maxOutputTokens: z.int().nullable(),
        contextTokens: z.int().nullable(),
        firstTokenTimeoutMs: z.int().nullable(),
        idleTimeoutMs: z.int().nullable(),
        totalTimeoutMs: z.int().nullable(),
      }),
      async (recorded) => {
        const { slug } = await database.agent.findUniqueOrThrow({ where: { id: agent.id } });
        for (const model of [agent.id, slug ?? '']) await findAgent(recorded, agent.workspaceId, model);
      },
    ),
    statementOf<{ count: number }>(
      'services/worker/src/sweep/drop-contexts.ts',
      z.strictObject({ count: z.int() }),
      (recorded) => dropContexts(recorded),
    ),
  ];

  it.each(statements.map((statement, at) => [statement.file, at] as const))('%s (%i)', async (_file, at) => {
    await beatHeart(database, workerId, [], []); // claims want a worker that lives
    await checkRows(statements[at] as Statement, database);
  });

  it('services/api/src/http/load-page-ids.ts, which writes its values into the text', async () => {
    await queue();
    for (const table of ['conversation', 'invocation'] as const) {
      const conditions = { workspace_id: agent.workspaceId };
      const rows = await loadPageIds(database, table, conditions, { before: null, limit: 2 });
      expect(rows).not.toEqual([]);
      z.array(z.strictObject({ id })).parse(rows);
    }
  });

  it('knows every statement that gives its rows a type', () => {
    const root = join(import.meta.dirname, '../..');
    const sources = globSync('{packages,services}/*/src/**/*.ts', { cwd: root }).filter(
      (path) => !/\.test\.ts$|\/generated\/|\/postgres\/queryable\.ts$/.test(path),
    );
    const found: Record<string, number> = {};
    for (const path of sources) {
      const text = readFileSync(join(root, path), 'utf8');
      expect(text, `${path} has a raw statement of Prisma's`).not.toMatch(/\$(queryRaw(Typed)?|executeRaw(Unsafe)?)\b/);
      if (text.includes('$queryRawUnsafe')) expect(path).toBe('services/api/src/http/load-page-ids.ts');
      const count = text.match(/\b(?:database|this|parts\.database)\.query</g)?.length ?? 0;
      if (count > 0) found[path] = count;
    }
    const known: Record<string, number> = {};
    for (const { file } of statements) known[file] = (known[file] ?? 0) + 1;
    expect(found).toEqual(known);
  });
});
