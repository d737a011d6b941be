import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import type { Principal } from '@nexus/common/principals/principal';

/** There are no API keys yet, so every caller acts in the default workspace. */
export function principalOfHandshake(): Principal {
  return { workspaceId: defaultWorkspaceId };
}
