import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import type { Principal } from '@nexus/common/principals/principal';

/** Without keys everybody is the default workspace. */
export function principalOfHandshake(): Principal {
  return { workspaceId: defaultWorkspaceId };
}
