import { type Database, Prisma } from '@nexus/common/postgres/open-database';

/** Recognises each statement by words that only it has. */
const statements = {
  claim: 'attempt = attempt + 1',
  finish: 'first_token_at = now() -',
  readEnded: 'SELECT i.status, i.output_message_id',
  cancel: 'cancel_requested_at = coalesce(i.cancel_requested_at, now()),',
  handBack: 'available_at = now() +',
  requeueLost: 'lost_attempts = i.lost_attempts + 1',
  dispatchNext: 'SET dispatch = 1',
  markEnqueued: 'enqueued_at = now() FROM job',
  noteLastSeq: 'SET last_seq =',
};

export type StatementName = keyof typeof statements;

/** Rows, or the error with which the database answers. */
type Answer = unknown[] | Error;

export type FakeDatabase = {
  database: Database;
  /** The statements that were run, in order. */
  ran: StatementName[];
  /** The values of the statements of one kind, in order. */
  valuesOf(name: StatementName): unknown[][];
};

/**
 * A database that answers each statement with the next answer that is given for it, and with no rows once there is none left.
 * tests/statements.test.ts says what the real statements do.
 */
export function createFakeDatabase(answers: Partial<Record<StatementName, Answer[]>>): FakeDatabase {
  const left = new Map(Object.entries(answers).map(([name, given]) => [name, [...given]]));
  const calls: { name: StatementName; values: unknown[] }[] = [];

  async function query(strings: TemplateStringsArray, ...values: unknown[]): Promise<unknown> {
    const text = strings.join(' ');
    const name = (Object.keys(statements) as StatementName[]).find((each) => text.includes(statements[each]));
    if (!name) throw new Error(`not known to the fake database: ${text}`);
    calls.push({ name, values: Prisma.sql(strings, ...values).values });
    const answer = left.get(name)?.shift() ?? [];
    if (answer instanceof Error) throw answer;
    return answer;
  }

  return {
    database: { query } as unknown as Database,
    get ran() {
      return calls.map(({ name }) => name);
    },
    valuesOf: (name) => calls.filter((call) => call.name === name).map(({ values }) => values),
  };
}
