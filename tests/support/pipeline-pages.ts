import { connect, type Socket } from 'node:net';
import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import { residentBytes } from './resident-bytes.ts';
import type { Stack } from './start-stack.ts';
import { waitUntil } from './wait-until.ts';

const pages = 100;
const messages = 40;
const messageLength = 100_000;
/** How often the memory is looked at, and how many looks without growth mean that it grows no more. */
const lookEveryMs = 250;
const steadyLooks = 8;

/** The path of a page of messages that is as long as a page may be: 4 MB. */
export async function makeLongPage({ api, database }: Pick<Stack, 'api' | 'database'>): Promise<string> {
  const { body } = await api.send<{ id: string }>('POST', '/api/conversations', {});
  await database.$executeRaw`
    INSERT INTO message (id, workspace_id, conversation_id, position, role, content)
    SELECT gen_random_uuid(), ${defaultWorkspaceId}::uuid, ${body.id}::uuid, n, 'user', repeat(md5(n::text), ${messageLength / 32}::int)
    FROM generate_series(1, ${messages}::int) n`;
  await database.conversation.update({ where: { id: body.id }, data: { messageCount: messages } });
  return `/api/conversations/${body.id}/messages?limit=100`;
}

/** A connection on which these bytes are sent and nothing is read until `resume`. */
export function openUnread(url: string, bytes: string): Promise<Socket> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.pause();
      socket.write(bytes);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** Asks for the page a hundred times at once, reads nothing, and returns by how many bytes the API's memory grew at the most. */
export async function growthByPipelining({ apiUrl }: Pick<Stack, 'apiUrl'>, path: string): Promise<number> {
  await (await fetch(`${apiUrl}${path}`)).arrayBuffer(); // what the first page needs is not of this
  const before = await residentBytes(apiUrl);
  const socket = await openUnread(apiUrl, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(pages));
  let peak = before;
  let steady = 0;
  try {
    await waitUntil(
      async () => {
        const now = await residentBytes(apiUrl);
        steady = now > peak * 1.02 ? 0 : steady + 1;
        peak = Math.max(peak, now);
        return steady >= steadyLooks;
      },
      { what: 'the memory of the API to grow no more', timeoutMs: 60_000, everyMs: lookEveryMs },
    );
  } finally {
    socket.destroy();
  }
  return peak - before;
}
