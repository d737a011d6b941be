/**
 * What a principal may do. `read`: see. `invoke`: ask agents, and cancel. `manage`: agents, tools, schedules, webhooks. `admin`: keys and
 * connections of its own workspace. `operator`: the installation.
 */
export const scopes = ['read', 'invoke', 'manage', 'admin', 'operator'] as const;
export type Scope = (typeof scopes)[number];
