import { randomBytes } from 'node:crypto';
import pg from 'pg';

export type TestDatabase = { url: string; close(): Promise<void> };

/** A new database from the template, or an empty one. `close` drops it, and ends the connections that are still open. */
export async function createTestDatabase(templateUrl: string, { empty = false } = {}): Promise<TestDatabase> {
  const template = new URL(templateUrl);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin(template, `CREATE DATABASE ${name} TEMPLATE ${empty ? 'template0' : template.pathname.slice(1)}`);
  const url = new URL(template);
  url.pathname = `/${name}`;
  return { url: url.href, close: () => asAdmin(template, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function asAdmin(server: URL, sql: string): Promise<void> {
  const url = new URL(server);
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
