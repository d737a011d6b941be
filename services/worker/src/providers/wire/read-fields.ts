import { AppError } from '@nexus/common/errors/app-error';

export type Fields = Record<string, unknown>;

/**
 * Reads a provider's fields with their documented types. null and missing are the same. Any other type is a protocol error, whose message
 * names the field and the type that came, and never its value.
 */
export type FieldReader = {
  object(value: unknown, field: string): Fields | null;
  /** Empty if the field is missing. */
  list(value: unknown, field: string): unknown[];
  /** Empty if the field is missing. */
  text(value: unknown, field: string): string;
  refuse(value: unknown, field: string, expected: string): AppError;
};

/** `title` is the provider's name in messages. */
export function createFieldReader(title: string): FieldReader {
  function refuse(value: unknown, field: string, expected: string): AppError {
    return new AppError(
      'provider_protocol_error',
      `${title} sent ${field} as ${kindOf(value)}; expected was ${expected}`,
    );
  }
  return {
    object(value, field) {
      if (value === undefined || value === null) return null;
      if (isObject(value)) return value;
      throw refuse(value, field, 'an object');
    },
    list(value, field) {
      if (value === undefined || value === null) return [];
      if (Array.isArray(value)) return value;
      throw refuse(value, field, 'an array');
    },
    text(value, field) {
      if (typeof value === 'string') return value;
      if (value === undefined || value === null) return '';
      throw refuse(value, field, 'text');
    },
    refuse,
  };
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (value === null) return 'null';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
