// @ts-check
// `npm run tour`: a real Chromium walks through the demo as a buyer would, asserts each step and takes a picture of it.
import { provideChromium } from './chromium.mjs'
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
const chromium = await provideChromium()
if (!chromium) {
  console.error('No Chromium on this machine (see CHROMIUM): nobody can walk.')
  process.exit(1)
}
process.env.CHROMIUM = chromium
if (!(await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only']))) process.exit(1)
if (!(await run(installedCommand('tsc'), ['-b', 'test/tour']))) process.exit(1)

/** @type {{ main(): Promise<number> }} */
const { main } = await import(new URL('../tour/dist/tour/main.js', import.meta.url).href)
process.exitCode = await main()
