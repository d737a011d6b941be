import { isLoopbackHost } from '@nexus/common/config/config-fields';

export type Auth = 'keys' | 'off';

/**
 * Who may call: as NEXUS_AUTH says, else with a key where --auth is given, else anybody on this machine. The problem names what would
 * open the system to others by accident.
 */
export function readAuth(
  named: string | undefined,
  withKeys: boolean,
  hosts: Record<string, string | undefined>,
): { auth: Auth; problems: string[] } {
  if (withKeys || named?.toLowerCase() === 'keys') return { auth: 'keys', problems: [] };
  if (named !== undefined) return { auth: 'off', problems: [] };
  const open = Object.entries(hosts).filter(([, host]) => host !== undefined && !isLoopbackHost(host));
  const advice =
    'callers from other machines need keys: npm start -- --auth (or NEXUS_AUTH=off, which lets everybody call)';
  return { auth: 'off', problems: open.map(([name]) => `${name}: ${advice}`) };
}
