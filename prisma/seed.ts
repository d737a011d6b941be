import { toAppError } from '@nexus/common/errors/app-error';
import { sessionSettings } from '@nexus/common/postgres/session-settings';
import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import pg from 'pg';
import { readDatabaseUrl } from './read-database-url.ts';
import { toMigrationError } from './schema-engine.ts';
import { type AgentSeed, echoAgent, seedAgents } from './seed-agents.ts';

/**
 * Inserts the default workspace and its first agents. It may run again: agents that exist stay as they are, also if they were changed or renamed.
 * Returns how many agents are new.
 */
export async function seed(databaseUrl: string, { withEcho = false } = {}): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {}); // the running query reports it
  try {
    await client.connect();
    await client.query(sessionSettings);
    await client.query('BEGIN');
    await client.query('INSERT INTO workspace (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      defaultWorkspaceId,
      'Default',
    ]);
    let added = 0;
    for (const agent of withEcho ? [...seedAgents, echoAgent] : seedAgents) added += await insertAgent(client, agent);
    await client.query('COMMIT');
    return added;
  } catch (error) {
    throw toMigrationError(error, databaseUrl);
  } finally {
    await client.end().catch(() => {});
  }
}

async function insertAgent(client: pg.Client, agent: AgentSeed): Promise<number> {
  const { rowCount } = await client.query(
    `INSERT INTO agent (id, workspace_id, name, slug, description, avatar, provider, model, system_prompt, temperature, context_tokens)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
    [
      agent.id,
      defaultWorkspaceId,
      agent.name,
      agent.slug,
      agent.description,
      agent.avatar,
      agent.provider,
      agent.model,
      agent.systemPrompt,
      agent.temperature,
      agent.contextTokens,
    ],
  );
  return rowCount ?? 0;
}

if (import.meta.main) {
  try {
    const added = await seed(readDatabaseUrl(process.env), { withEcho: process.argv.includes('--with-echo') });
    console.log(added === 0 ? 'nothing to seed' : `seeded ${added} agents`);
  } catch (error) {
    const known = toAppError(error);
    console.error(known.code === 'internal_error' && error instanceof Error ? error.message : known.message);
    process.exitCode = 1;
  }
}
