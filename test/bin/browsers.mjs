// @ts-check
// `npm run browsers`: the core scenario, both crypto engines and all vectors in Chromium, Firefox and WebKit, and under Node 20 and 24.
import { join } from 'node:path'
import { provideChromium } from './chromium.mjs'
import { provideFirefox } from './firefox.mjs'
import { installDependencies } from './install.mjs'
import { provideNodes } from './node-versions.mjs'
import { installedCommand, projectRoot, requireNode } from './project.mjs'
import { run } from './run.mjs'
import { provideWebKit } from './webkit.mjs'

/** The same under Node: engines and vectors, then the scenarios that everything rests on. */
const UNDER_NODE = [
  'test/unit/envelope',
  'test/unit/protocol',
  ...['shared-behaviour', 'eleven-rules', 'rotation', 'history'].map((name) => `test/scenario/${name}.test.ts`),
]

requireNode()
await installDependencies()
/** @type {string[]} */
const skipped = []
if (!(await provideChromium())) skipped.push('Chromium')
if (!(await provideFirefox())) skipped.push('Firefox')
if (!(await provideWebKit())) skipped.push('WebKit')
const nodes = await provideNodes()
skipped.push(...nodes.filter(({ path }) => path === undefined).map(({ major }) => `Node ${major}`))

if (!(await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only']))) process.exit(1)
let failed = !(await run(installedCommand('vitest'), ['run', '--reporter=verbose', 'test/browsers'], {
  env: { Y_SEALED_ALL_BROWSERS: '1' },
}))
for (const { major, path } of nodes) {
  if (path === undefined) continue
  console.log(`\n── Node ${major}`)
  const vitest = join(projectRoot, 'node_modules/vitest/vitest.mjs')
  if (!(await run(path, [vitest, 'run', ...UNDER_NODE]))) failed = true
}
for (const name of skipped) console.log(`skipped: ${name} cannot be had on this machine`)
process.exitCode = failed ? 1 : 0
