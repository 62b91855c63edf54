// @ts-check
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { Socket } from 'node:net'

// A cold start on a busy machine of two cores takes a second or two.
const START_LIMIT_MS = 30_000

/**
 * A database server that this process has started for itself: private, on loopback, gone with it.
 * @typedef {{ url: string, processId: number, kill(): Promise<void>, stop(): Promise<void> }} ChildDatabase
 * `kill`: kill -9, and its folder stays; `stop`: the end of both.
 */

/**
 * @param {{ command: string, args: string[], url: string, readyLine: string, folder: string, user?: { uid: number, gid: number } | undefined }} server
 * @returns {Promise<ChildDatabase>}
 */
export async function startDatabase({ command, args, url, readyLine, folder, user }) {
  const child = spawn(command, args, {
    cwd: folder,
    env: plainEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  })
  const exited = new Promise((resolve) => child.once('close', resolve))
  const guard = endWithUs(child.pid ?? 0, folder)
  const end = async () => {
    guard.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  }
  await untilReady(child, readyLine)
  return {
    url,
    processId: child.pid ?? 0,
    kill: end,
    async stop() {
      await end()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/**
 * A process that outlives us by a moment, however we end: the pipe between us closes, and it ends the server.
 * @param {number} processId
 * @param {string} folder
 */
function endWithUs(processId, folder) {
  const script = 'cat > /dev/null; kill -9 "$0"; sleep 0.1; rm -rf "$1"'
  // In a group of its own: a Ctrl-C must not end it first.
  const guard = spawn('sh', ['-c', script, `${processId}`, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  // A pipe that is only held open keeps nobody alive.
  const { stdin } = guard
  if (stdin instanceof Socket) stdin.unref()
  return guard
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} child
 * @param {string} readyLine
 * @returns {Promise<void>}
 */
function untilReady(child, readyLine) {
  return new Promise((resolve, reject) => {
    let output = ''
    const fail = () => reject(new Error(`${child.spawnfile} did not start:\n${output}`))
    const timer = setTimeout(fail, START_LIMIT_MS)
    const note = (/** @type {Buffer} */ chunk) => {
      output += chunk
      if (!output.includes(readyLine)) return
      clearTimeout(timer)
      resolve()
      // Read on, or it would stand still with a full pipe.
      for (const stream of [child.stdout, child.stderr]) stream.off('data', note).resume()
    }
    child.stdout.on('data', note)
    child.stderr.on('data', note)
    child.once('error', reject)
    child.once('exit', () => {
      clearTimeout(timer)
      fail()
    })
  })
}

/** Messages in English, which is what we look for, and none of a developer's own settings. */
export function plainEnvironment() {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name))
  return { ...Object.fromEntries(kept), LC_ALL: 'C' }
}
