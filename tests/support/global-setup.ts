import type { TestProject } from 'vitest/node';
import { openTemplatePostgres } from './open-template-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The template of every test database: see openTemplatePostgres. */
    postgresUrl: string;
  }
}

/** One Postgres server for the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await openTemplatePostgres();
  project.provide('postgresUrl', postgres.url);
  return postgres.close;
}
