// @ts-check
// `npm run prove`: starts everything, types secrets through a real browser, and searches for them wherever one might have stayed.
import { provideChromium } from './chromium.mjs'
import { provideGcore } from './gcore.mjs'
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
const chromium = await provideChromium()
if (!chromium) {
  console.error('No Chromium on this machine (see CHROMIUM): nothing can be proved.')
  process.exit(1)
}
process.env.CHROMIUM = chromium
const gcore = await provideGcore()
if (!(await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only']))) process.exit(1)
if (!(await run(installedCommand('tsc'), ['-b', 'test/prove']))) process.exit(1)

/** @type {{ main(gcore: string | undefined): Promise<number> }} */
const { main } = await import(new URL('../prove/dist/prove/main.js', import.meta.url).href)
process.exitCode = await main(gcore)
