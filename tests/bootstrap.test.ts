import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('a fresh clone', () => {
  let clone: string;
  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'nexus-clone-'));
    for (const folder of ['scripts', 'prisma', 'bin']) mkdirSync(join(clone, folder));
    for (const file of ['scripts/bootstrap.mjs', 'package-lock.json'])
      copyFileSync(join(root, file), join(clone, file));
    writeFileSync(join(clone, 'prisma/generate.ts'), '');
    writeFileSync(join(clone, 'scripts/started.ts'), "console.log('started');");
  });
  afterEach(() => rmSync(clone, { recursive: true }));

  /** A fake npm without a registry. It notes its arguments, and installs our own Node if scripts may run. */
  function writeNpm(runsScripts: boolean): void {
    const script = `#!/bin/sh
echo "$@" >> ${clone}/asked
if [ "$1" = config ]; then echo ${!runsScripts}; exit 0; fi
mkdir -p node_modules/.bin
${runsScripts ? `ln -s ${process.execPath} node_modules/.bin/node` : ''}
`;
    writeFileSync(join(clone, 'bin/npm'), script, { mode: 0o755 });
  }

  function start(env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
    const PATH = [join(clone, 'bin'), dirname(process.execPath), process.env.PATH].join(delimiter);
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        ['scripts/bootstrap.mjs', 'scripts/started.ts'],
        { cwd: clone, env: { PATH, ...env } },
        (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
      );
    });
  }
  const asked = () => readFileSync(join(clone, 'asked'), 'utf8');

  it.each([{ NODE_ENV: 'production' }, { npm_config_omit: 'dev' }, {}])(
    'installs what the start itself needs with %j, once',
    async (env) => {
      writeNpm(true);
      expect(await start(env)).toMatchObject({ code: 0, output: expect.stringContaining('started') });
      expect(asked()).toMatch(/^ci --include=dev --include=optional --bin-links .*\n$/);
      expect((await start(env)).output).toBe('started\n');
      expect(asked().split('\n')).toHaveLength(2);
    },
  );

  it('names the npm setting that kept scripts from running, and what to do', async () => {
    writeNpm(false);
    const { code, output } = await start();
    expect(code).toBe(1);
    expect(output).toContain("npm's setting ignore-scripts is on");
    expect(output).toContain('npm_config_ignore_scripts=false npm start');
  });

  it('names NODE_OPTIONS if our Node does not run with it', async () => {
    writeNpm(true);
    writeFileSync(join(clone, 'prisma/generate.ts'), "if (process.env.NODE_OPTIONS) throw new Error('not so');");
    const { code, output } = await start({ NODE_OPTIONS: '--no-warnings' });
    expect(code).toBe(1);
    expect(output).toContain('NODE_OPTIONS is set: try without it');
  });
});
