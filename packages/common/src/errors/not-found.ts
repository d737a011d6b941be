import { AppError } from './app-error.ts';

export function agentNotFound(id: string): AppError {
  return new AppError('agent_not_found', `There is no agent ${id}`, {
    fields: [{ field: 'agentId', message: 'names no agent' }],
  });
}

export function conversationNotFound(id: string): AppError {
  return new AppError('conversation_not_found', `There is no conversation ${id}`, {
    fields: [{ field: 'conversationId', message: 'names no conversation' }],
  });
}

export function invocationNotFound(id: string): AppError {
  return new AppError('invocation_not_found', `There is no invocation ${id}`);
}

export function connectionNotFound(id: string): AppError {
  return new AppError('connection_not_found', `There is no connection ${id}`, {
    fields: [{ field: 'connectionId', message: 'names no connection' }],
  });
}
