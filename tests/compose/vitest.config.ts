import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['tests/compose/*.test.ts'],
    fileParallelism: false,
    reporters: ['verbose'], // a test takes a minute: each is told when it is over
    testTimeout: 420_000,
    hookTimeout: 420_000,
  },
});
