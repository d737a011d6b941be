import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** What a process says that opens things with a stopper, and stops. */
async function run(opening: string): Promise<{ lines: string[]; code: unknown }> {
  const program = `
    import { createStopper } from './create-stopper.ts';
    const stopper = createStopper(console.log);
    ${opening}
    await stopper.stop(0);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  return { lines: (await text(child.stdout)).trim().split('\n'), code: await exited };
}

it('stops what was opened, the newest first, though somebody cannot be told', async () => {
  const { lines, code } = await run(`
    stopper.onStop('the first', () => console.log('the first is stopped'));
    stopper.onStop('the second', () => Promise.reject(new Error('stuck')));
    stopper.onStopping(() => { throw new Error('the disk is full'); });
  `);
  expect(lines).toEqual(['the disk is full', 'the second did not stop: stuck', 'the first is stopped', 'Stopped.']);
  expect(code).toBe(0);
});

it('stops what is opened while it stops something else, and nothing twice', async () => {
  const { lines } = await run(`
    stopper.onStop('the first', () => console.log('the first is stopped'));
    stopper.onStop('the second', async () => {
      await null;
      stopper.onStop('the third', () => console.log('the third is stopped'));
      console.log('the second is stopped');
    });
  `);
  expect(lines).toEqual(['the second is stopped', 'the third is stopped', 'the first is stopped', 'Stopped.']);
});
