import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

it('a log that is closed was written to its last line, and takes no more', async () => {
  const program = `
    import { closeLog, createLogger } from './packages/common/src/logging/create-logger.ts';
    const logger = createLogger('test', { level: 'info', format: 'json' });
    for (let count = 1; count <= 500; count += 1) logger.info('line ' + count);
    await closeLog(logger);
    logger.fatal('too late');
    process.exit(0);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = (await text(child.stdout)).trim().split('\n');
  expect(lines).toHaveLength(500);
  expect(lines.at(-1)).toContain('line 500');
});
