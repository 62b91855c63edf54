// @ts-check
// `npm run api-docs`: writes docs/api anew, from the sources and their comments.
import { installDependencies } from './install.mjs'
import { projectRoot, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
// A compiler of its own: the one that builds us has no programming interface.
const typedoc = `${projectRoot}/docs/node_modules/typedoc/bin/typedoc`
const succeeded = await run(process.execPath, [typedoc, '--options', `${projectRoot}/docs/typedoc.json`])
process.exitCode = succeeded ? 0 : 1
