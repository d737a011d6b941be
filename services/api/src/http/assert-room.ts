import { AppError } from '@nexus/common/errors/app-error';

/** Throws `workspace_full` where there is no room for one more. The count takes no lock: requests at the same moment may end a little above. */
export function assertRoom(max: number, count: number, what: string): void {
  if (count >= max) throw new AppError('workspace_full', `A workspace has at most ${max} ${what}`);
}
