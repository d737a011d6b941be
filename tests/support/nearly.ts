import fc from 'fast-check';
import { z } from 'zod';

type JsonSchema = {
  type?: string;
  format?: string;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
};

const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', ' ', "' OR 1=1 --", '\0', '\ud800', '__proto__', 'constructor', '{{7*7}}', '../../etc', '$ne'),
);
const odd = fc.oneof(
  oddText,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Values that almost match a zod schema: any part may be missing, extra, out of bounds or of another type. */
export function nearly(schema: z.ZodType, ids: string[]): fc.Arbitrary<unknown> {
  return arbitraryOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, ids);
}

function arbitraryOf(schema: JsonSchema, ids: string[]): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: fitting(schema, ids), weight: 20 }, { arbitrary: odd, weight: 1 });
}

function fitting(schema: JsonSchema, ids: string[]): fc.Arbitrary<unknown> {
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((each) => fitting(each, ids)));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object':
      return objectOf(schema, ids);
    case 'string':
      return schema.format === 'uuid' ? fc.constantFrom(...ids) : fc.oneof(fc.lorem({ maxCount: 5 }), oddText);
    case 'integer':
    case 'number':
      return numberOf(schema);
    case 'boolean':
      return fc.boolean();
    default:
      return odd;
  }
}

function objectOf({ properties, required = [] }: JsonSchema, ids: string[]): fc.Arbitrary<unknown> {
  if (!properties) return fc.dictionary(oddText, fc.jsonValue(), { maxKeys: 4 });
  const given = Object.entries(properties);
  const needed = given.filter(([name]) => required.includes(name)).map(([name, each]) => [name, fitting(each, ids)]);
  const some = given.map(([name, each]) => [name, arbitraryOf(each, ids)]);
  const unknown = fc.dictionary(oddText, odd, { minKeys: 1, maxKeys: 2 });
  return fc
    .tuple(
      fc.record(Object.fromEntries(needed)),
      fc.option(fc.record(Object.fromEntries(some), { requiredKeys: [] }), { nil: {}, freq: 1 }),
      fc.oneof({ arbitrary: fc.constant({}), weight: 8 }, { arbitrary: unknown, weight: 1 }),
    )
    .map((parts) => Object.fromEntries(parts.flatMap((part) => Object.entries(part))));
}

/** Numbers inside the bounds, at them, and just outside. */
function numberOf({ minimum, exclusiveMinimum, maximum }: JsonSchema): fc.Arbitrary<number> {
  const [least, most] = [minimum ?? exclusiveMinimum ?? -1_000, maximum ?? 1_000_000];
  const inside = fc.integer({ min: Math.ceil(least), max: Math.floor(most) });
  const edges = fc.constantFrom(least - 1, least, most, most + 1, 0.5);
  return fc.oneof({ arbitrary: inside, weight: 4 }, { arbitrary: edges, weight: 1 });
}
