// @ts-check
// `npm run soak [-- --minutes 10]`: a real relay under members who come and go, whose memory has to stay where it is.
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
if (!(await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only']))) process.exit(1)
if (!(await run(installedCommand('tsc'), ['-b', 'test/soak']))) process.exit(1)

/** @type {{ main(args: readonly string[]): Promise<number> }} */
const { main } = await import(new URL('../soak/dist/soak/main.js', import.meta.url).href)
process.exit(await main(process.argv.slice(2)))
