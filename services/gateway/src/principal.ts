import { openPrincipal } from '@nexus/common/principals/open-principal';
import type { Principal } from '@nexus/common/principals/principal';

/** Without keys everybody is the default workspace. */
export function principalOfHandshake(): Principal {
  return openPrincipal;
}
