import { cpuMs, rssBytes } from '../processes/process-usage.ts';

/** The processes of each role, Postgres and Redis included. */
export type Roles = Record<string, number[]>;

export type PerRole = Record<string, number>;

const serverRoles = ['postgres', 'redis'];

export function cpuByRole(roles: Roles): PerRole {
  return sumByRole(roles, cpuMs);
}

/** Of our own processes only: the forks of Postgres share pages, which would count once for each. */
export function memoryByRole(roles: Roles): PerRole {
  return sumByRole(Object.fromEntries(Object.entries(roles).filter(([role]) => !serverRoles.includes(role))), rssBytes);
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

function sumByRole(roles: Roles, measure: (pid: number) => number): PerRole {
  return Object.fromEntries(
    Object.entries(roles).map(([role, pids]) => [role, pids.reduce((sum, pid) => sum + measure(pid), 0)]),
  );
}
