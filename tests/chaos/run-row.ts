import { createTestDatabase } from '../support/create-test-database.ts';
import type { ChaosRow, RowTools } from './chaos-row.ts';
import { type Chaos, openChaos } from './open-chaos.ts';

/** Runs a row on databases of this server, and closes what it opened, however it went. */
export async function runRow(row: ChaosRow, templateUrl: string, tools: Omit<RowTools, 'open'>): Promise<string> {
  const opened: Chaos[] = [];
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
