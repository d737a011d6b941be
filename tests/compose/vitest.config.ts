import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['tests/compose/*.test.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 420_000,
  },
});
