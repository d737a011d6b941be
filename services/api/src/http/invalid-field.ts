import { AppError } from '@nexus/common/errors/app-error';

/** A field of the body that fits its schema, and not what is stored. */
export function invalidField(field: string, message: string): AppError {
  return new AppError('invalid_request', `In the body: ${field}: ${message}`, { fields: [{ field, message }] });
}
