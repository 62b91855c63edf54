import { type KeySource, type SealedError, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import type { Capture } from '../support/capture.ts'
import { patiently } from '../support/events.ts'
import { below, pick } from '../support/random.ts'
import { Wire } from '../support/wire.ts'
import { editOf, type TypedEdit } from './typed-edit.ts'

export interface WriterOptions {
  readonly relayUrl: string
  readonly room: string
  readonly keys: KeySource
  readonly capture: Capture
}

interface Edit {
  readonly typed: TypedEdit
  isAcked: boolean
}

/** Somebody who types, and remembers what of it was said to be durable, through as many providers as it takes. */
export class Writer {
  readonly name: string
  readonly wire: Wire
  readonly problems: SealedError[] = []
  /** All that was ever typed here; what was not acked when a document died with its provider may be gone. */
  readonly edits: Edit[] = []
  doc: Y.Doc
  provider: SealedProvider
  private readonly options: WriterOptions
  /** Typed into the present document, not acked yet. */
  private waiting: Edit[] = []

  constructor(name: string, options: WriterOptions) {
    this.name = name
    this.options = options
    this.wire = new Wire(options.capture)
    this.doc = new Y.Doc()
    this.provider = this.connect()
  }

  get acked(): TypedEdit[] {
    return this.edits.filter(({ isAcked }) => isAcked).map(({ typed }) => typed)
  }

  /** Mostly types, sometimes deletes, sometimes sets what others set too. */
  type(random: () => number): void {
    const text = this.doc.getText('text')
    const what = random()
    if (what < 0.7)
      text.insert(below(random, text.length + 1), pick(random, ['a', 'word ', '🐤', 'é', '\n', this.name]))
    else if (what < 0.9 && text.length > 0) text.delete(below(random, text.length), 1)
    else this.doc.getMap<string>('map').set(pick(random, ['x', 'y']), `${this.name} ${below(random, 1_000)}`)
    // Rejected where the provider dies: then nobody has promised anything.
    this.flush().catch(() => {})
  }

  /** Resolves when everything typed so far is durable, which is what is then noted. */
  async flush(): Promise<void> {
    const promised = [...this.waiting]
    await this.provider.flush()
    for (const edit of promised) edit.isAcked = true
    this.waiting = this.waiting.filter(({ isAcked }) => !isAcked)
  }

  /** The machine loses power: nothing is sent any more, not even a goodbye. */
  die(): void {
    this.wire.unplug()
    this.provider.destroy()
  }

  /** Another provider, for the document that was kept on the device or for an empty one. */
  comeBack(keepsDocument: boolean): void {
    if (!keepsDocument) {
      this.doc.destroy()
      this.doc = new Y.Doc()
      this.waiting = []
    }
    this.wire.calm()
    this.provider = this.connect()
  }

  /** Nothing is in the way any more. Resolves when this document is complete, and all that was typed here durable. */
  async settle(): Promise<void> {
    this.wire.calm()
    await patiently(this.provider.whenSynced, `${this.name} to be synced`)
    await patiently(this.flush(), `the last edits of ${this.name} to be durable`, SETTLE_PATIENCE_MS)
  }

  private connect(): SealedProvider {
    const { relayUrl, room, keys } = this.options
    const { doc } = this
    const provider = new SealedProvider(relayUrl, room, doc, {
      keys,
      WebSocketPolyfill: this.wire.WebSocket,
      maxBackoffTime: 200,
    })
    provider.on('problem', (problem) => void this.problems.push(problem))
    doc.on('update', (update, origin) => {
      if (origin === provider || this.provider !== provider) return
      const edit = { typed: editOf(update), isAcked: false }
      this.edits.push(edit)
      this.waiting.push(edit)
    })
    return provider
  }
}

/** A pause that ran out, a lease that was left behind and a connection that has to be given up first all fit into it. */
const SETTLE_PATIENCE_MS = 60_000
