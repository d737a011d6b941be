import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readSecrets, runSecretsCommand } from '../deploy/secrets.ts';
import { openStartDatabase } from './keys/open-start-database.ts';
import { root } from './start/read-options.ts';

/** The command on the database of `.env` or of `npm start`, with the secrets of either. */
await runSecretsCommand(async () => {
  const { url, close } = await openStartDatabase();
  return { databaseUrl: url, secrets: readStartSecrets(), close };
});

/** NEXUS_SECRETS as the services read it, else what `npm start` keeps in its state folder. */
function readStartSecrets(): string[] {
  const given = readSecrets(process.env);
  const kept = `${resolve(root, process.env.NEXUS_STATE_FOLDER || '.nexus')}/secrets`;
  if (given.length > 0 || !existsSync(kept)) return given;
  return readSecrets({ NEXUS_SECRETS: readFileSync(kept, 'utf8') });
}
