import { AppError } from '../errors/app-error.ts';
import { connectionNotFound } from '../errors/not-found.ts';
import type { Database } from '../postgres/open-database.ts';
import { isProviderName } from '../queue/provider-name.ts';
import { contextOf } from '../secrets/encrypted-columns.ts';
import type { SecretRing } from '../secrets/secret-ring.ts';
import type { Connection } from './connection.ts';

/** Throws `connection_not_found`, and `secret_missing` where the ring cannot decrypt it. */
export async function loadConnection(
  database: Pick<Database, 'connection'>,
  ring: Pick<SecretRing, 'decrypt'>,
  { id, workspaceId }: { id: string; workspaceId: string },
): Promise<Connection> {
  const row = await database.connection.findFirst({
    where: { id, workspaceId },
    include: { keys: { orderBy: { position: 'asc' } } },
  });
  if (!row) throw connectionNotFound(id);
  const { provider, baseUrl, headers, concurrency, ratePerMinute } = row;
  if (!isProviderName(provider)) throw new AppError('internal_error', `The connection ${id} has an unknown provider`);
  return {
    id,
    workspaceId,
    provider,
    baseUrl,
    headers: headers === null ? {} : JSON.parse(ring.decrypt(headers, contextOf('connectionHeaders', id))),
    keys: row.keys.map((key) => ({
      id: key.id,
      lastFour: key.lastFour,
      key: ring.decrypt(key.encrypted, contextOf('connectionKey', key.id)),
    })),
    concurrency,
    ratePerMinute,
  };
}
