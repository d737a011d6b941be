import { newId } from '../postgres/new-id.ts';
import type { Database, Prisma } from '../postgres/open-database.ts';

export type AuditAction = `${'key' | 'agent' | 'workspace' | 'connection' | 'tool'}.${string}`;

/** What changed: for each field its value before and after. Never a secret. */
export type Changes = Record<string, [before: unknown, after: unknown]>;

/** Appends to the audit log, in the transaction of the change itself. */
export async function writeAuditEntry(
  database: Pick<Database, 'auditEntry'>,
  entry: { workspaceId: string; keyId: string | null; action: AuditAction; targetId: string; changes?: Changes },
): Promise<void> {
  const { changes = {}, ...rest } = entry;
  await database.auditEntry.create({ data: { id: newId(), ...rest, changes: changes as Prisma.InputJsonObject } });
}

/** The fields that differ; a field that is only in one of the two has null in the other. */
export function findChanges(before: Record<string, unknown>, after: Record<string, unknown>): Changes {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return Object.fromEntries(
    [...names]
      .map((name): [string, [unknown, unknown]] => [name, [before[name] ?? null, after[name] ?? null]])
      .filter(([, [from, to]]) => JSON.stringify(from) !== JSON.stringify(to)),
  );
}
