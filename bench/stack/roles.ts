import { cpuMs, pssBytes, rssBytes } from '../processes/process-usage.ts';

/** Who does which part of the work: processes by role, servers that others share a machine with included. */
export type Roles = Record<string, number[]>;

export type PerRole = Record<string, number>;

/** Infrastructure, as opposed to processes of our own. */
export const serverRoles = ['postgres', 'redis'];

export function cpuByRole(roles: Roles): PerRole {
  return mapRoles(roles, cpuMs);
}

/** Servers that fork are counted without their shared pages twice. */
export function memoryByRole(roles: Roles): PerRole {
  return Object.fromEntries(
    Object.entries(roles).map(([role, pids]) => {
      const bytesOf = serverRoles.includes(role) ? pssBytes : rssBytes;
      return [role, pids.reduce((sum, pid) => sum + bytesOf(pid), 0)];
    }),
  );
}

/** Without the servers. */
export function ownOf(perRole: PerRole): number {
  return Object.entries(perRole).reduce((sum, [role, value]) => (serverRoles.includes(role) ? sum : sum + value), 0);
}

export function totalOf(perRole: PerRole): number {
  return Object.values(perRole).reduce((sum, value) => sum + value, 0);
}

export function difference(after: PerRole, before: PerRole): PerRole {
  return Object.fromEntries(Object.entries(after).map(([role, value]) => [role, value - (before[role] ?? 0)]));
}

function mapRoles(roles: Roles, measure: (pid: number) => number): PerRole {
  return Object.fromEntries(
    Object.entries(roles).map(([role, pids]) => [role, pids.reduce((sum, pid) => sum + measure(pid), 0)]),
  );
}
