import { exampleIds } from '../../services/api/src/routes/example-ids.ts';
import type { Stack } from './start-stack.ts';
import { waitUntil } from './wait-until.ts';

/** An answered invocation, under the ids that examples name. */
export async function insertExampleRows(
  { api, database, echoAgentId }: Stack,
  headers: Record<string, string> = {},
): Promise<void> {
  const { body } = await api.invoke({ agentId: echoAgentId, message: 'one two' }, headers);
  await waitUntil(
    async () => (await database.invocation.findUnique({ where: { id: body.id } }))?.status === 'completed',
    {
      what: 'the example to be answered',
    },
  );
  const rename = (table: string, from: string, to: string, column = 'id') =>
    database.$executeRawUnsafe(`UPDATE ${table} SET ${column} = '${to}'::uuid WHERE ${column} = '${from}'::uuid`);
  await database.$executeRawUnsafe(`
    INSERT INTO conversation (id, workspace_id, title, message_count, line)
    SELECT '${exampleIds.conversation}', workspace_id, title, message_count, line FROM conversation WHERE id = '${body.conversationId}'`);
  for (const table of ['message', 'invocation'])
    await rename(table, body.conversationId, exampleIds.conversation, 'conversation_id');
  await database.$executeRawUnsafe(`ALTER TABLE usage_record DISABLE TRIGGER ALL`);
  await rename('message', body.id, exampleIds.invocation, 'invocation_id');
  await rename('usage_record', body.id, exampleIds.invocation, 'invocation_id');
  await rename('invocation', body.id, exampleIds.invocation);
  const { body: connection } = await api.send<{ id: string }>(
    'POST',
    '/api/connections',
    { name: 'Example', provider: 'echo' },
    headers,
  );
  await rename('connection', connection.id, exampleIds.connection);
  const { body: key } = await api.send<{ id: string }>(
    'POST',
    '/api/keys',
    { name: 'Example', scopes: ['read'] },
    headers,
  );
  await rename('api_key', key.id, exampleIds.key);
}
