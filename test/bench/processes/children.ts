import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

// A server, its load clients and a browser; more at once means that something was not ended.
const MAX_CHILDREN = 12
// The longest single measurement takes a minute or two, and each has children of its own.
const MAX_LIFE_MS = 10 * 60_000
// A relay drains, leveldb closes its files; whoever takes longer is hung.
const POLITE_END_MS = 5_000
// What is kept of a child's words, to be shown if it fails.
const OUTPUT_BYTES = 8_192

export interface Child {
  readonly name: string
  readonly processId: number
  readonly process: ChildProcess
  /** The last that it has printed, on either stream. */
  readonly output: string
  readonly hasEnded: boolean
  /** SIGTERM, then SIGKILL. Resolves when the process is gone. */
  end(): Promise<void>
  /** kill -9: no handler runs, nothing is flushed. */
  kill(): Promise<void>
}

const living = new Set<Child>()

/** Everything that was started and has not ended. */
export function livingChildren(): string[] {
  return [...living].map(({ name, processId }) => `${name} (${processId})`)
}

/** Starts a Node process with a channel to it, in a registry that lets none outlive us. */
export function startChild(
  name: string,
  node: string,
  args: readonly string[],
  settings: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Child {
  if (living.size >= MAX_CHILDREN) throw new Error(`too many processes at once: ${livingChildren().join(', ')}`)
  const process = spawn(node, args, {
    env: { ...cleanEnvironment(), ...settings.env },
    ...(settings.cwd === undefined ? {} : { cwd: settings.cwd }),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  const note = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_BYTES)
  }
  process.stdout?.on('data', note)
  process.stderr?.on('data', note)
  // Without a listener the failure to start would end us instead.
  process.on('error', (error) => note(Buffer.from(error.message)))
  const tooOld = setTimeout(() => process.kill('SIGKILL'), MAX_LIFE_MS)
  const gone = once(process, 'close').catch(() => {})
  const child: Child = {
    name,
    processId: process.pid ?? 0,
    process,
    get output() {
      return output
    },
    get hasEnded() {
      return process.exitCode !== null || process.signalCode !== null
    },
    async end() {
      if (this.hasEnded) return
      process.kill('SIGTERM')
      const insist = setTimeout(() => process.kill('SIGKILL'), POLITE_END_MS)
      await gone
      clearTimeout(insist)
    },
    async kill() {
      if (this.hasEnded) return
      process.kill('SIGKILL')
      await gone
    },
  }
  living.add(child)
  void gone.then(() => {
    clearTimeout(tooOld)
    living.delete(child)
  })
  return child
}

/** To be called once by whoever owns the run: a Ctrl-C, a throw or an exit leaves no child behind. */
export function endChildrenWithUs(): void {
  process.once('exit', killAll)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      killAll()
      process.exit(130)
    })
  }
}

function killAll(): void {
  for (const { process } of living) process.kill('SIGKILL')
}

/** Settings of a developer's own servers, or of a test runner, must not reach what is measured. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(Y_SEALED_|VITEST|npm_)/.test(name) &&
      !['NODE_ENV', 'NODE_OPTIONS', 'HOST', 'PORT', 'YPERSISTENCE', 'GC'].includes(name),
  )
  return Object.fromEntries(kept)
}
