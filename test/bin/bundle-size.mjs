// @ts-check
// `npm run bundle-size`: measures what y-sealed adds to a page, and writes the table of docs/bundle-size.md anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installDependencies } from './install.mjs'
import { installedCommand, projectRoot, requireNode } from './project.mjs'
import { run } from './run.mjs'

requireNode()
await installDependencies()
// What is published is measured, so it is built first.
if (!(await run(installedCommand('turbo'), ['run', 'build', '--output-logs=errors-only']))) process.exit(1)

const { sizeTable } = await import('../packages/bundle-size.mjs')
const table = await sizeTable()
const page = join(projectRoot, 'docs/bundle-size.md')
writeFileSync(page, readFileSync(page, 'utf8').replace(/^\| import (.|\n)*?\n(?=\n)/m, `${table}\n`))
console.log(table)
