import { Worker } from 'node:worker_threads'

/** No case takes a second on a machine that does nothing else; this long on a busy one is a loop without end. */
const PATIENCE_MS = 60_000

/** What runs in the watching thread: plain JavaScript, since a thread is given text and not a module of ours. */
const WATCH = `
  const { workerData } = require('node:worker_threads')
  const { writeSync } = require('node:fs')
  const { cell, names, seed, patienceMs } = workerData
  const now = new Int32Array(cell)
  let seen = -1
  let sinceMs = Date.now()
  setInterval(() => {
    const count = Atomics.load(now, 0)
    if (count !== seen) {
      seen = count
      sinceMs = Date.now()
    } else if (count > 0 && Date.now() - sinceMs > patienceMs) {
      const target = names[Atomics.load(now, 1)]
      const number = Atomics.load(now, 2)
      writeSync(2, '\\nNO END: npm run fuzz -- --target ' + target + ' --seed ' + seed + ' --case ' + number + '\\n')
      process.kill(process.pid, 'SIGKILL')
    }
  }, 500)
`

/** Sees to it that a case that never ends is named: a thread that is stuck cannot say so itself. */
export class Watchdog {
  readonly #now = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT))
  readonly #names: readonly string[]
  readonly #worker: Worker

  constructor(names: readonly string[], seed: string, patienceMs = PATIENCE_MS) {
    this.#names = names
    const workerData = { cell: this.#now.buffer, names, seed, patienceMs }
    this.#worker = new Worker(WATCH, { eval: true, workerData, stdin: false })
    this.#worker.unref()
  }

  /** A case begins; `number` is its place in the run. */
  begins(target: string, number: number): void {
    Atomics.store(this.#now, 1, this.#names.indexOf(target))
    Atomics.store(this.#now, 2, number)
    Atomics.add(this.#now, 0, 1)
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}
