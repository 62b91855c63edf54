import { defineConfig } from 'vitest/config'

const conditions = ['@y-sealed/source', 'module', 'node', 'development|production']

export default defineConfig({
  // Our own packages are tested from source, through an export condition of our own: others call theirs `source`; child processes run the built files.
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    // Two cores are the machine this is planned for; a third worker only makes real browsers time out.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
