/** What becomes of an invocation whose conversation has an unfinished one. */
export const multitaskStrategies = ['enqueue', 'reject', 'interrupt', 'rollback', 'parallel'] as const;
export type MultitaskStrategy = (typeof multitaskStrategies)[number];
