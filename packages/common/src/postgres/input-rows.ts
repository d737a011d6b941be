import { Prisma } from './open-database.ts';

/** A column of a statement's input: its name, its Postgres type, and the function that reads its value from an item. */
export type InputColumn<Item> = [name: string, type: string, read: (item: Item) => unknown];

/**
 * Items as the common table expression `name` of a statement, with their columns, and `n`, the position from 1. A single item is written into the
 * statement as plain values, which costs Postgres less than a table of one row.
 */
export function inputRows<Item>(name: string, columns: InputColumn<Item>[]): (items: Item[]) => Prisma.Sql {
  const head = `${name}(${columns.map(([column]) => column).join(', ')}, n) AS`;
  const types = columns.map(([, type]) => type);
  const one = between(`${head} NOT MATERIALIZED (SELECT `, types, (type) => `::${type}`, ', 1::bigint)');
  const many = between(`${head} (SELECT * FROM unnest(`, types, (type) => `::${type}[]`, ') WITH ORDINALITY)');
  return (items) => {
    const [first] = items;
    if (items.length === 1 && first !== undefined) return Prisma.sql(one, ...columns.map(([, , read]) => read(first)));
    return Prisma.sql(many, ...columns.map(([, , read]) => items.map(read)));
  };
}

/** The texts between the values. Each value is followed by its type. */
function between(start: string, types: string[], toCast: (type: string) => string, end: string): string[] {
  const casts = types.map(toCast);
  return [start, ...casts.slice(0, -1).map((cast) => `${cast}, `), `${casts.at(-1)}${end}`];
}
