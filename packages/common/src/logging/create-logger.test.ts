import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

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

describe('an error in a line', () => {
  async function logged(error: Error): Promise<string> {
    const fields = JSON.stringify({ ...error, message: error.message });
    const program = `
      import { closeLog, createLogger } from './packages/common/src/logging/create-logger.ts';
      const logger = createLogger('test', { level: 'info', format: 'json' });
      const error = new Error('outer', { cause: Object.assign(new Error(), ${fields}) });
      logger.warn({ error }, 'failed');
      await closeLog(logger);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return text(child.stdout);
  }

  it('says what Postgres refused, and not the row or the value', async () => {
    const row = Object.assign(new Error('new row for relation "message" violates check constraint "odd"'), {
      code: '23514',
      constraint: 'odd',
      detail: 'Failing row contains (a prompt).',
      where: 'a prompt',
    });
    const value = Object.assign(new Error('invalid input syntax for type json: "a "prompt"'), { code: '22P02' });
    expect(await logged(row)).toMatch(/"constraint":"odd".*violates check constraint/);
    for (const error of [row, value]) expect(await logged(error)).not.toContain('prompt');
    expect(await logged(value)).toContain('invalid input syntax for type json');
  });

  it('keeps the code and the address of a connection that failed, and where it was thrown', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', port: 5432 });
    expect(await logged(refused)).toMatch(/"code":"ECONNREFUSED","port":5432.*"stack":" +at /);
  });
});
