import { databaseFields } from '@nexus/common/config/config-fields';
import { parseConfig } from '@nexus/common/config/parse-config';
import { withPassword } from '@nexus/common/config/with-passwords';
import { z } from 'zod';

/** The database that a command works on, as the services find it. Throws one line that names what does not fit. */
export function readDatabaseUrl(environment: NodeJS.ProcessEnv): string {
  const { DATABASE_URL, DATABASE_PASSWORD } = parseConfig(z.object(databaseFields), environment);
  return withPassword(DATABASE_URL, DATABASE_PASSWORD);
}
