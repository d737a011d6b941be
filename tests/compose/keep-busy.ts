import type { Fleet } from './open-fleet.ts';

/** Keeps every conversation busy, one message after the other, for as long as `during` takes. Resolves with how many were accepted. */
export async function keepBusy(
  fleet: Fleet,
  agentId: string,
  conversationIds: string[],
  during: () => Promise<unknown>,
): Promise<number> {
  let over = false;
  let posted = 0;
  const talking = conversationIds.map(async (conversationId) => {
    while (!over) {
      const { id } = await fleet.post(agentId, conversationId);
      posted += 1;
      await fleet.api.get(`/api/invocations/${id}?wait=10`).catch(() => null);
    }
  });
  const failed = Promise.race(talking.map((each) => each.then(() => new Promise<never>(() => {}))));
  try {
    await Promise.race([during(), failed]);
  } finally {
    over = true;
  }
  await Promise.all(talking);
  return posted;
}
