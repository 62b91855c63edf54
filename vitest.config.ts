import { configDefaults, defineConfig } from 'vitest/config'

const conditions = ['@y-sealed/source', 'module', 'node', 'development|production']
const unit = 'test/unit/**/*.test.ts'
// These measure the memory of their process.
const alone = ['test/unit/protocol/fuzz.test.ts', 'test/unit/provider/guard-awareness.test.ts']

export default defineConfig({
  // Our own packages are tested from source, through an export condition of our own: others call theirs `source`; child processes run the built files.
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['node'] } },
  test: {
    environment: 'node',
    pool: 'forks',
    // Two cores are the machine this is planned for; a third worker only makes real browsers time out.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A second, Vitest's own, is less than a browser on a busy machine may take for one step.
    expect: { poll: { timeout: 20_000, interval: 50 } },
    projects: [
      // What a process of its own costs each of a hundred small files is more than their tests do. They come first: between others none would be shared.
      {
        extends: true,
        test: { name: 'unit', include: [unit], exclude: [...configDefaults.exclude, ...alone], isolate: false },
      },
      // Stories change what is global, as a browser's tabs.
      {
        extends: true,
        test: {
          name: 'stories',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, unit],
          sequence: { groupOrder: 1 },
        },
      },
      { extends: true, test: { name: 'alone', include: alone, sequence: { groupOrder: 1 } } },
    ],
  },
})
