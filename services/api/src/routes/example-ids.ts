/** The rows that examples name. Postgres has the seeded agents; a test inserts the others before it sends the examples. */
export const exampleIds = {
  agent: '00000000-0000-7000-8000-0000000000a6',
  conversation: '019ac8f2-6d00-7000-8000-0000000000c1',
  invocation: '019ac8f2-6d00-7000-8000-0000000000e1',
  key: '019ac8f2-6d00-7000-8000-0000000000b1',
  connection: '019ac8f2-6d00-7000-8000-0000000000f1',
  workspace: '00000000-0000-7000-8000-000000000001',
  nothing: '019ac8f2-6d00-7000-8000-00000000ffff',
};
