// @ts-check
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './project.mjs'
import { run } from './run.mjs'

/** Installs the locked dependencies where they are absent or older than the lock file; ends the process where it cannot. */
export async function installDependencies() {
  if (isInstalled()) return
  console.log('Installing the dependencies (npm ci).')
  const [command, ...args] = npm()
  // --include=dev: NODE_ENV=production in somebody's shell must not leave out the compiler.
  const succeeded = await run(command, [...args, 'ci', '--include=dev', '--no-fund', '--no-audit'])
  if (!succeeded) {
    console.error('npm ci failed: the dependencies are not installed.')
    process.exit(1)
  }
}

function isInstalled() {
  const lock = modifiedMs(join(projectRoot, 'package-lock.json'))
  // npm writes this file last, so an install that was interrupted does not have it.
  const installed = modifiedMs(join(projectRoot, 'node_modules', '.package-lock.json'))
  return installed !== undefined && (lock === undefined || installed >= lock)
}

/** @param {string} path */
function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}

/**
 * The npm that started us, else the one on the path.
 * @returns {[string, ...string[]]}
 */
export function npm() {
  const startedBy = process.env.npm_execpath
  return startedBy?.endsWith('.js') ? [process.execPath, startedBy] : ['npm']
}
