// @ts-check
import { spawn } from 'node:child_process'
import { createWriteStream, readFileSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { childEnvironment, projectRoot } from './project.mjs'

// A cold start on a slow disk takes seconds; a minute means that it hangs.
const READY_LIMIT_MS = 60_000
const READY_CHECK_EVERY_MS = 100
// The relay drains its sessions first; what has not ended by then is hung.
const STOP_LIMIT_MS = 10_000
const LOG_LINES_SHOWN = 15

/**
 * One of our servers as a process of its own, its output in a log file.
 * @typedef {{
 *   name: string,
 *   exited: Promise<string>,
 *   ready(): Promise<void>,
 *   stop(): Promise<void>,
 *   lastLogLines(): string,
 * }} ChildServer
 */

/**
 * @param {{ name: string, script: string, args: string[], healthUrl: string, logPath: string }} server
 * @returns {ChildServer}
 */
export function startServer({ name, script, args, healthUrl, logPath }) {
  const log = createWriteStream(logPath, { flags: 'w', mode: 0o600 })
  const child = spawn(process.execPath, [script, ...args], {
    cwd: projectRoot,
    env: withoutOurFlags(childEnvironment),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  /** @type {Promise<string>} */
  const exited = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => log.end(() => resolve(signal ? `signal ${signal}` : `exit code ${code}`)))
  })

  return {
    name,
    exited,
    async ready() {
      const deadline = performance.now() + READY_LIMIT_MS
      while (!(await answers(healthUrl))) {
        const ended = await Promise.race([exited, after(READY_CHECK_EVERY_MS, undefined)])
        if (ended !== undefined) throw new Error(`${name} ended before it was ready (${ended})`)
        if (performance.now() > deadline) throw new Error(`${name} was not ready after ${READY_LIMIT_MS / 1000} s`)
      }
    },
    async stop() {
      child.kill('SIGTERM')
      const insist = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
      await exited
      clearTimeout(insist)
    },
    lastLogLines() {
      return readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n')
    },
  }
}

/** @param {string} url */
async function answers(url) {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}

/**
 * The flags alone decide; a Y_SEALED_PORT in somebody's shell must not.
 * @param {NodeJS.ProcessEnv} environment
 */
function withoutOurFlags(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('Y_SEALED_')))
}
