import * as Y from 'yjs'
import type { Source } from '../../packages/provider/src/guard/early-deletes.ts'
import { Applier } from '../../packages/provider/src/inbound/applier.ts'
import { LogState } from '../../packages/provider/src/log-state/log-state.ts'
import { Problems } from '../../packages/provider/src/problems.ts'
import { FakeClock } from './fake-clock.ts'

/** A reader of the log below the session: what is sealed and in which order is the test's affair. */
export class GuardedReader {
  readonly doc: Y.Doc
  readonly logState = new LogState()
  readonly clock = new FakeClock()
  readonly applier: Applier
  /** What it told of members, each time. */
  readonly faults: string[] = []
  /** What it counts as in the log. */
  readonly logged: Uint8Array[] = []
  #sequence = 0

  constructor(doc = new Y.Doc()) {
    this.doc = doc
    const problems = new Problems(this.clock, () => {})
    const { raise } = problems
    problems.raise = (code, message, where) => {
      this.faults.push(`${code}: ${message}`)
      return raise.call(problems, code, message, where)
    }
    this.applier = new Applier({
      doc,
      origin: this,
      logState: this.logState,
      problems,
      clock: this.clock,
      onLogged: (update) => void this.logged.push(update),
      onWritten: () => {},
      onFreshId: () => {},
      onForeignContent: () => {},
      onFlushed: () => {},
    })
  }

  /** The next entries of the log, each with one update. True: all of them were usable. */
  take(updates: Uint8Array | readonly Uint8Array[], source: Partial<Source> = {}): boolean {
    const list = updates instanceof Uint8Array ? [updates] : updates
    return this.applier.apply(
      list.map((update) => {
        const sequence = ++this.#sequence
        return { update, sealer: 'a1b2c3d4', sequence, isRepair: false, isLate: false, ...source }
      }),
    )
  }

  /** An entry that this reader has sealed itself was acked. */
  acked(update: Uint8Array): void {
    const sequence = ++this.#sequence
    this.applier.noteOwn({ update, sealer: '00000000', sequence, isRepair: false, isLate: false })
  }

  get text(): string {
    return this.doc.getText('text').toString()
  }
}

/** What a document tells the others of each change. */
export function updatesOf(doc: Y.Doc, change: (doc: Y.Doc) => void): Uint8Array[] {
  const updates: Uint8Array[] = []
  const note = (update: Uint8Array): void => void updates.push(update)
  doc.on('update', note)
  change(doc)
  doc.off('update', note)
  return updates
}

/** The same as one update. */
export function updateOf(doc: Y.Doc, change: (doc: Y.Doc) => void): Uint8Array {
  const [update] = updatesOf(doc, () => doc.transact(() => change(doc)))
  if (update === undefined) throw new Error('nothing was changed')
  return update
}

/** A document whose client id is chosen: Yjs gives every document one of its own. */
export function docWith(clientId: number): Y.Doc {
  const doc = new Y.Doc()
  doc.clientID = clientId
  return doc
}
