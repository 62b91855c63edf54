// @ts-check
import { join } from 'node:path'
import { isExecutable } from './debian.mjs'
import { npm } from './install.mjs'
import { projectRoot } from './project.mjs'
import { run } from './run.mjs'

/** The oldest that we promise, and the one with the longest support ahead. */
const MAJORS = [20, 24]
const FOLDER = 'test/browsers/nodes'

/**
 * Finds the versions of Node that the core runs under: this one where it is one of them, else from npm packages with a lock file of their own.
 * @returns {Promise<{ major: number, path: string | undefined }[]>} undefined: it cannot be had here
 */
export async function provideNodes() {
  const wanted = MAJORS.map((major) => ({ major, path: findNode(major) }))
  if (wanted.every(({ path }) => path !== undefined)) return wanted
  console.log(`Installing other versions of Node (npm ci in ${FOLDER}).`)
  const [command, ...args] = npm()
  await run(command, [...args, 'ci', '--prefix', FOLDER, '--ignore-scripts', '--no-fund', '--no-audit'])
  return MAJORS.map((major) => ({ major, path: findNode(major) }))
}

/** @param {number} major */
function findNode(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const path = join(projectRoot, FOLDER, `node_modules/node-${major}-${process.platform}-${process.arch}/bin/node`)
  return isExecutable(path) ? path : undefined
}
