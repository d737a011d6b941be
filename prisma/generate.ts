import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = `${root}packages/common/src/generated`;
const stamp = `${output}/schema.sha256`;

/**
 * Generates the Prisma client if it is missing or does not match the schema. `generate` does not use the schema engine, but Prisma's command line
 * would download it. Any executable in its place prevents the download.
 */
export async function generateClient(): Promise<void> {
  const hash = createHash('sha256')
    .update(readFileSync(`${root}prisma/schema.prisma`))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  const env = {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  };
  await promisify(execFile)(process.execPath, [`${root}node_modules/prisma/build/index.js`, 'generate'], {
    cwd: root,
    env,
  });
  writeFileSync(stamp, hash);
}

if (import.meta.main) await generateClient();
