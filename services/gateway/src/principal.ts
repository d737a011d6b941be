import { defaultWorkspaceId } from '@nexus/common/invocations/default-workspace';

/** On whose behalf a socket speaks. Without keys everybody is the default workspace. */
export type Principal = { workspaceId: string };

export function principalOfHandshake(): Principal {
  return { workspaceId: defaultWorkspaceId };
}
