import { runBytes } from './added-bytes.ts'
import type { AppendRequest, AppendResult } from './log-store.ts'

// A commit takes the disk's time whatever it holds, so more of them at once would only be smaller ones.
const MAX_AT_ONCE = 4

// What one transaction holds: enough that its journeys cost each append little, and its locks are held for milliseconds.
const MAX_BATCH_APPENDS = 256
const MAX_BATCH_BYTES = 1024 * 1024

interface Append {
  request: AppendRequest
  bytes: number
  resolve(result: AppendResult): void
  reject(error: unknown): void
}

type Waiting = { append: Append } | { change: () => Promise<void> }

/**
 * The order of a node's writes: those of one room one after the other, in the order of arrival; those of different rooms at once, and their
 * appends together in one transaction.
 */
export class PostgresLines {
  readonly #appendAll: (requests: AppendRequest[]) => Promise<AppendResult[]>
  readonly #lines = new Map<string, Waiting[]>()
  /** Rooms that have something to do and of which nothing is under way. */
  readonly #ready = new Set<string>()
  readonly #underWay = new Set<Promise<void>>()
  #isScheduled = false

  constructor(appendAll: (requests: AppendRequest[]) => Promise<AppendResult[]>) {
    this.#appendAll = appendAll
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#add(request.room, { append: { request, bytes: runBytes(request.runs), resolve, reject } })
    })
  }

  /** A write that is no append, by itself. */
  change<T>(room: string, write: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#add(room, { change: () => write().then(resolve, reject) })
    })
  }

  /** Resolves when nothing waits and nothing is under way. */
  async settled(): Promise<void> {
    while (this.#isScheduled || this.#underWay.size > 0 || this.#ready.size > 0) {
      await new Promise((resolve) => setImmediate(resolve))
      await Promise.all(this.#underWay)
    }
  }

  #add(room: string, waiting: Waiting): void {
    const line = this.#lines.get(room)
    if (line) {
      line.push(waiting)
      return
    }
    this.#lines.set(room, [waiting])
    this.#ready.add(room)
    if (this.#isScheduled) return
    this.#isScheduled = true
    // After the poll phase: every socket that was readable in this turn has been read by then.
    setImmediate(() => {
      this.#isScheduled = false
      this.#start()
    })
  }

  #start(): void {
    while (this.#ready.size > 0 && this.#underWay.size < MAX_AT_ONCE) {
      const { rooms, work } = this.#take()
      const done = work.then(() => {
        this.#underWay.delete(done)
        for (const room of rooms) {
          if (this.#lines.get(room)?.length === 0) this.#lines.delete(room)
          else this.#ready.add(room)
        }
        this.#start()
      })
      this.#underWay.add(done)
    }
  }

  /** The next change, or the appends of as many rooms as go into one transaction; `work` never rejects. */
  #take(): { rooms: string[]; work: Promise<void> } {
    const rooms: string[] = []
    const appends: Append[] = []
    let bytes = 0
    for (const room of this.#ready) {
      const line = this.#lines.get(room) ?? []
      let [next] = line
      if (next && 'change' in next) {
        // Another transaction's: it takes its room's turn where nothing was taken yet.
        if (appends.length > 0) continue
        this.#ready.delete(room)
        line.shift()
        return { rooms: [room], work: next.change() }
      }
      if (appends.length >= MAX_BATCH_APPENDS || bytes >= MAX_BATCH_BYTES) break
      this.#ready.delete(room)
      rooms.push(room)
      while (next && 'append' in next && appends.length < MAX_BATCH_APPENDS && bytes < MAX_BATCH_BYTES) {
        appends.push(next.append)
        bytes += next.append.bytes
        line.shift()
        next = line[0]
      }
    }
    return { rooms, work: this.#commit(appends) }
  }

  async #commit(appends: readonly Append[]): Promise<void> {
    try {
      const results = await this.#appendAll(appends.map(({ request }) => request))
      for (const [i, { resolve, reject }] of appends.entries()) {
        const result = results[i]
        if (result) resolve(result)
        else reject(new Error('an append without a result'))
      }
    } catch (error) {
      for (const { reject } of appends) reject(error)
    }
  }
}
