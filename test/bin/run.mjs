// @ts-check
import { spawn } from 'node:child_process'
import { childEnvironment, projectRoot } from './project.mjs'

// Long enough for a test runner to close its workers and browsers.
const GRACE_MS = 10_000

/**
 * Runs one command in the project root, its output on ours, and resolves to whether it succeeded. Who is asked to end meanwhile asks the command.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, deadlineMs?: number }} [options] `deadlineMs`: ended after that many milliseconds
 * @returns {Promise<boolean>}
 */
export function run(command, args, { env = {}, deadlineMs } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: projectRoot,
      env: { ...childEnvironment, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
      // Windows starts .cmd files through its shell only.
      shell: process.platform === 'win32',
    })
    const timers = deadlineMs === undefined ? [] : endAfter(child, command, deadlineMs)
    // A terminal asks all of its group; whoever asks this process alone would leave the command running.
    const passOn = () => void child.kill('SIGTERM')
    process.on('SIGTERM', passOn)
    const finish = (/** @type {boolean} */ succeeded) => {
      for (const timer of timers) clearTimeout(timer)
      process.off('SIGTERM', passOn)
      resolve(succeeded)
    }
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`)
      finish(false)
    })
    child.once('exit', (code) => finish(code === 0))
  })
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} command
 * @param {number} deadlineMs
 */
function endAfter(child, command, deadlineMs) {
  const ask = setTimeout(() => {
    console.error(`${command} did not end in time; stopping it.`)
    child.kill('SIGTERM')
  }, deadlineMs)
  const insist = setTimeout(() => child.kill('SIGKILL'), deadlineMs + GRACE_MS)
  return [ask, insist]
}
