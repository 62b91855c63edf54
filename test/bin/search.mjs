// @ts-check
// `npm run search`: every state that rotations, lost connections and crashes can lead to, within bounds, by the project's own transition functions.
import { installDependencies } from './install.mjs'
import { installedCommand, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
if (!(await run(installedCommand('tsc'), ['-b', 'test/search']))) process.exit(1)

/** @type {{ main(): number }} */
const { main } = await import(new URL('../search/dist/test/search/main.js', import.meta.url).href)
process.exitCode = main()
