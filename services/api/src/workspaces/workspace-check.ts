import type { Database } from '@nexus/common/postgres/open-database';
import { workspaceNotFound } from './workspace-routes.ts';

/** More than an operator goes through; beyond that, each is asked for again. */
const maxKnown = 10_000;

/** Throws `workspace_not_found` where there is none. A workspace that was there stays: none is ever deleted. */
export function createWorkspaceCheck(database: Pick<Database, 'workspace'>): (id: string) => Promise<void> {
  const known = new Set<string>();
  return async (id) => {
    if (known.has(id)) return;
    if (!(await database.workspace.findUnique({ where: { id }, select: { id: true } }))) throw workspaceNotFound(id);
    if (known.size < maxKnown) known.add(id);
  };
}
