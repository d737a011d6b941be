import pg from 'pg';
import type { Server } from './open-servers.ts';

/** An empty database on the same server, so that a baseline pays for the same disk. It goes with the server. */
export async function createDatabase(server: Server, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return url.href;
}
