import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('stops what was opened, the newest first, though somebody cannot be told', async () => {
  const program = `
    import { createStopper } from './create-stopper.ts';
    const stopper = createStopper(console.log);
    stopper.onStop('the first', () => console.log('the first is stopped'));
    stopper.onStop('the second', () => Promise.reject(new Error('stuck')));
    stopper.onStopping(() => { throw new Error('the disk is full'); });
    await stopper.stop(0);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  expect((await text(child.stdout)).trim().split('\n')).toEqual([
    'the disk is full',
    'the second did not stop: stuck',
    'the first is stopped',
    'Stopped.',
  ]);
  expect(await exited).toBe(0);
});
