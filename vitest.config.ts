import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{lib,services,cli,demo,deploy,scripts,test/cluster}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/.assay/**'],
          // A machine that does much else at once is no failure.
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/{contract,integration}/**/*.test.ts'],
          globalSetup: [],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false, // one cluster for all
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
