import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/peers/setup.ts'],
    reporters: ['default', './test/peers/unrun-reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // The gateways that tests start: their code is compiled once, not at each of some hundred starts.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/isthmus-compile') },
    pool: 'forks',
    maxWorkers: 2,
  },
});
