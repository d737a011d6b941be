/** What happens to a new invocation whose conversation has an unfinished one. */
export const multitaskStrategies = ['enqueue', 'reject', 'interrupt', 'rollback', 'parallel'] as const;
export type MultitaskStrategy = (typeof multitaskStrategies)[number];
