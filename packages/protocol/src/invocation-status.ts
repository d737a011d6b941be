export const invocationStatuses = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type InvocationStatus = (typeof invocationStatuses)[number];

export type FinishedStatus = Exclude<InvocationStatus, 'queued' | 'running'>;

export function isFinished(status: InvocationStatus): status is FinishedStatus {
  return status !== 'queued' && status !== 'running';
}
