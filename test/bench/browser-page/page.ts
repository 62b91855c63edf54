import type { Arrived, CheckpointCost, PlainYjs, SealThroughput } from './answers.ts'
import { applyInOneTransaction, applyOneByOne, keystrokeUpdates } from './apply-updates.ts'
import { catchUp, listenUntil } from './arrivals.ts'
import { checkpointCost } from './checkpoint.ts'
import { sealAndOpen } from './seal-and-open.ts'

/** What the bench asks of the page. */
export interface BenchPage {
  sealAndOpen(count: number): Promise<SealThroughput>
  /** What Yjs alone needs for so many keystrokes. */
  plain(count: number): PlainYjs
  catchUp(url: string, room: string): Promise<Arrived>
  /** Opens a room; `listened` then resolves when so many characters have arrived. */
  listen(url: string, room: string, characters: number): Promise<void>
  listened(): Promise<Arrived>
  checkpointCost(bytes: number): Promise<CheckpointCost>
}

let listening: Promise<Arrived> | undefined

const page: BenchPage = {
  sealAndOpen,
  plain(count) {
    const updates = keystrokeUpdates(count)
    return { oneByOneMs: applyOneByOne(updates), oneTransactionMs: applyInOneTransaction(updates) }
  },
  catchUp,
  listen(url, room, characters) {
    return new Promise((resolve) => {
      listening = listenUntil(url, room, characters, resolve)
    })
  },
  async listened() {
    if (listening === undefined) throw new Error('nobody listens')
    return listening
  },
  checkpointCost,
}
Object.assign(globalThis, { benchPage: page })
