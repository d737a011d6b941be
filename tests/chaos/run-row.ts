import pg from 'pg';
import { createTestDatabase } from '../support/create-test-database.ts';
import { type ChaosRow, type RowTools, sleep } from './chaos-row.ts';
import { type Chaos, openChaos } from './open-chaos.ts';

/** Runs a row on databases of this server, and closes everything that it opened, also after a failure. */
export async function runRow(row: ChaosRow, templateUrl: string, tools: Omit<RowTools, 'open'>): Promise<string> {
  const opened: Chaos[] = [];
  await untilSettled(templateUrl);
  try {
    return await row.run({
      ...tools,
      async open(options) {
        const chaos = await openChaos(await createTestDatabase(templateUrl), options);
        opened.push(chaos);
        return chaos;
      },
    });
  } finally {
    for (const chaos of opened) await chaos.close();
  }
}

/** For this long after a start of Postgres the sweep declares no worker dead. */
const settledAfterMs = 11_000;

async function untilSettled(templateUrl: string): Promise<void> {
  const url = new URL(templateUrl);
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows } = await client.query<{ ms: number }>(
      'SELECT (extract(epoch FROM now() - pg_postmaster_start_time()) * 1000)::float8 AS ms',
    );
    await sleep(Math.max(0, settledAfterMs - (rows[0]?.ms ?? 0)));
  } finally {
    await client.end();
  }
}
