import { AppError } from '@nexus/common/errors/app-error';
import { reasonOf } from './reason-of.ts';

/** The connection broke while an answer was read. */
export function interrupted(title: string, cause: unknown): AppError {
  const reason = reasonOf(cause);
  return new AppError('stream_interrupted', `The connection to ${title} broke${reason ? ` (${reason})` : ''}`, {
    cause,
  });
}

/** An answer ended before its protocol's end mark. `how` follows the provider's name: "ended its stream without …". */
export function cutShort(title: string, how: string): AppError {
  return new AppError('stream_interrupted', `${title} ${how}`);
}
