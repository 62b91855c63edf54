import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from '../support/project-root.ts'

/** What `npm start` runs, on a data folder and ports of its own. */
export interface RunningDemo {
  readonly url: string
  readonly data: string
  readonly output: string
  /** Of `npm start` itself; the servers are its children. */
  readonly processId: number | undefined
  /** Ctrl-C. Resolves to the exit code. */
  interrupt(): Promise<number | null>
  /** Starts again on the same data. */
  restart(): Promise<void>
  /** Ends it and deletes the data. */
  dispose(): Promise<void>
}

/**
 * @param portOffset apart for tests that run at the same time: choosing a free port and taking it are two steps
 * @param flags more of `npm start`'s own
 */
export async function startDemo(portOffset: number, flags: readonly string[] = []): Promise<RunningDemo> {
  const data = mkdtempSync(join(tmpdir(), 'y-sealed-demo-'))
  let run = await startOnce(data, portOffset, flags)
  return {
    get url() {
      return run.url
    },
    get output() {
      return run.output()
    },
    get processId() {
      return run.child.pid
    },
    data,
    interrupt: () => end(run.child, 'SIGINT'),
    async restart() {
      await end(run.child, 'SIGINT')
      run = await startOnce(data, portOffset, flags)
    },
    async dispose() {
      await end(run.child, 'SIGTERM')
      rmSync(data, { recursive: true, force: true })
    },
  }
}

export function spawnStart(data: string, portOffset: number, flags: readonly string[] = []): ChildProcess {
  const script = join(projectRoot(), 'test/bin/start.mjs')
  const args = [script, '--skip-build', '--data', data, '--port-offset', String(portOffset), ...flags]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
}

function startOnce(data: string, portOffset: number, flags: readonly string[]) {
  const child = spawnStart(data, portOffset, flags)
  let output = ''
  return new Promise<{ child: ChildProcess; url: string; output: () => string }>((resolve, reject) => {
    const note = (chunk: Buffer) => {
      output += chunk.toString('utf8')
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
      // The line after the URL ends the message: everything has started.
      if (url !== undefined && output.includes('Ctrl-C')) resolve({ child, url, output: () => output })
    }
    child.stdout?.on('data', note)
    child.stderr?.on('data', note)
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)))
  })
}

export function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code))
    child.kill(signal)
  })
}
