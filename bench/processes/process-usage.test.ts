import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { cpuMs, rssBytes } from './process-usage.ts';

// Only Linux has /proc.
it.runIf(process.platform === 'linux')(
  'counts the CPU of a process, of its children, and of those that have ended',
  async () => {
    const burn = 'const { cpuUsage } = process; while (cpuUsage().user + cpuUsage().system < 200_000);';
    const script = `const { spawnSync } = require('node:child_process');
    spawnSync(process.execPath, ['-e', ${JSON.stringify(burn)}]); console.log('done'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      expect(cpuMs(child.pid ?? 0)).toBeGreaterThanOrEqual(100);
      expect(rssBytes(child.pid ?? 0)).toBeGreaterThan(10e6);
    } finally {
      child.kill('SIGKILL');
    }
  },
);

it('counts nothing for a process that does not exist', () => {
  expect(cpuMs(2 ** 22 + 1)).toBe(0);
  expect(rssBytes(2 ** 22 + 1)).toBe(0);
});
