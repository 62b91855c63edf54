import type { Sealer } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import { type Down, hashPrefix, type Joined, type Refused } from '@y-sealed/protocol'
import * as Y from 'yjs'
import type { SealedAwareness } from '../awareness/sealed-awareness.ts'
import type { RelayConnection } from '../connection/relay-connection.ts'
import type { Epoch } from '../epoch/epoch.ts'
import type { KeyDesk } from '../epoch/key-desk.ts'
import { abandonOpening, type Opening, prepareOpening } from '../epoch/opening.ts'
import { createWireSealer } from '../epoch/wire-sealer.ts'
import { equalBytes } from '../hex.ts'
import { Inbound } from '../inbound/inbound.ts'
import { compactDifference, difference } from '../log-state/difference.ts'
import { LogState } from '../log-state/log-state.ts'
import { Appender } from '../outbound/appender.ts'
import type { Outbox } from '../outbound/outbox.ts'
import type { Problems } from '../problems.ts'
import { HoleWatch } from './hole-watch.ts'

/**
 *   away ─socket open→ joining ─joined→ keying ─keyed→ reading ─caught up→ live
 *   `halted`: the relay or an operator ended this document's session for good; only connect() leaves it.
 */
export type Phase = 'away' | 'joining' | 'keying' | 'reading' | 'live' | 'halted'

export interface SessionPorts {
  readonly doc: Y.Doc
  /** Yjs origin of what comes from the relay. */
  readonly origin: object
  readonly room: string
  readonly params: () => Record<string, string>
  readonly token: () => string | Promise<string>
  readonly padding: boolean
  readonly flushDelayMs: number
  readonly initial: ((doc: Y.Doc) => void) | undefined
  readonly clock: Clock
  readonly connection: RelayConnection
  readonly outbox: Outbox
  readonly problems: Problems
  readonly awareness: SealedAwareness
  readonly keyDesk: KeyDesk
  onPhase(phase: Phase): void
  /** Something was acked or refused. */
  onOutbox(): void
  /** The relay ended this document's session with a close code. */
  onEnded(code: number, reason: string): void
  onEpoch(epoch: Epoch): void
}

/** One document's conversation with the relay, across reconnects: join, epoch, catch up, live. */
export class Session {
  phase: Phase = 'away'
  role: 'read' | 'write' = 'read'
  epoch: Epoch | undefined
  readonly #ports: SessionPorts
  readonly #channel: number
  readonly #logState = new LogState()
  readonly #inbound: Inbound
  readonly #appender: Appender
  readonly #holes: HoleWatch
  #sealer: Sealer | undefined
  #opening: Opening | undefined
  /** Request number of the read that is awaited (0: the one that a join begins), and where it ended. */
  #awaitedRead = 0
  #target: number | undefined
  #lastRequest = 0
  /** The relay lost entries: what is sent next is marked as a repair. */
  #isHealing = false
  #isRenewing = false
  /** Rises at each join and at each end, so that what was awaited in between knows that it comes too late. */
  #life = 0

  constructor(ports: SessionPorts) {
    this.#ports = ports
    const { doc, origin, problems, clock, connection, outbox, flushDelayMs } = ports
    this.#inbound = new Inbound({
      doc,
      origin,
      problems,
      clock,
      logState: this.#logState,
      ownSalt: () => this.#sealer?.salt,
      onProgress: () => this.#progress(),
      onSettled: () => {
        outbox.settle()
        ports.onOutbox()
        this.#appender.settled()
      },
      reread: (after) => this.#read(after),
      onRelayFault: (message) => this.#distrust(message),
    })
    this.#appender = new Appender({
      outbox,
      problems,
      clock,
      flushDelayMs,
      send: (messages) => connection.send(messages),
      nextRequest: () => this.#nextRequest(),
      difference: () => difference(doc, this.#logState),
      birth: () => ({ sequence: this.#inbound.cursor, hash: this.#inbound.hash }),
      sealer: () => this.#sealer,
      renewSealer: () => this.#renewSealer(),
      compactDifference: () => compactDifference(doc, this.#logState),
      onOutbox: () => ports.onOutbox(),
      onSealFailed: () => {
        problems.raise('internal', 'sealing failed; it is tried again on a new connection', 'append')
        connection.reset()
      },
      onAck: (ack, entries, update) => this.#inbound.receiveAck(ack.sequence, entries, update, ack.hash),
      onRefused: (refused) => void this.#appendRefused(refused),
    })
    this.#holes = new HoleWatch({
      clock,
      hasHole: () => this.epoch !== undefined && this.#inbound.hasHole,
      onHole: () => this.#read(this.#inbound.cursor),
      onStubbornHole: () => {
        problems.raise('gap', `the relay leaves out sequence ${this.#inbound.cursor + 1}`, 'log')
        this.#distrust('the log has a hole')
      },
    })
    this.#channel = connection.attach({
      onOpen: () => void this.#join(),
      onMessages: (messages) => this.#receive(messages),
      onClosed: () => this.#away(),
    })
    doc.on('afterTransaction', this.#noteImpliedDeletes)
  }

  /** The user changed the document. */
  changed(): void {
    if (this.#canWrite) this.#appender.changed()
  }

  /** Joins on a connection that is already open. */
  enter(): void {
    if (this.#ports.connection.isOpen && (this.phase === 'away' || this.phase === 'halted')) void this.#join()
  }

  /** Sends what can still be sent in this turn, and that this session ends. */
  sayGoodbye(): void {
    if (this.phase === 'away' || this.phase === 'halted') return
    this.flushNow()
    this.#ports.awareness.sayGoodbye()
    this.#ports.connection.send([{ type: 'leave', channel: this.#channel }])
  }

  /** Ends the session, whether the socket is gone or goes on for others. */
  end(): void {
    this.#away()
  }

  flushNow(): void {
    if (this.#canWrite) this.#appender.sendNow()
  }

  /** The page goes away: everything that waits, and the goodbye, in this very turn. */
  sendLast(): void {
    if (this.#canWrite) this.#appender.sendLast()
    this.#ports.awareness.sayGoodbye()
  }

  /** A change is over a limit of the relay, and waits for the user to make it smaller. */
  get isOverLimit(): boolean {
    return this.#appender.isOverLimit
  }

  /** The wire sealer, for awareness; a spent one is replaced between two appends. */
  get sealer(): Sealer | undefined {
    const sealer = this.#sealer
    if (sealer?.isSpent() && !this.#appender.isBusy && !this.#isRenewing) {
      this.#isRenewing = true
      void this.#renewSealer().finally(() => {
        this.#isRenewing = false
      })
    }
    return sealer
  }

  sendAwareness(envelope: Uint8Array): void {
    this.#ports.connection.send([{ type: 'awareness', channel: this.#channel, envelope }])
  }

  /** True if the log is known to hold all of an update, such as another tab's. */
  covers(update: Uint8Array): boolean {
    return this.#logState.covers(Y.decodeUpdate(update))
  }

  destroy(): void {
    this.end()
    this.#inbound.stop()
    this.#ports.doc.off('afterTransaction', this.#noteImpliedDeletes)
    this.#ports.connection.detach(this.#channel)
    this.epoch?.keys.forget()
  }

  get #canWrite(): boolean {
    return this.role === 'write' && this.phase === 'live'
  }

  readonly #noteImpliedDeletes = (transaction: Y.Transaction): void => {
    if (transaction.origin === this.#ports.origin) this.#logState.addDeletes(transaction.deleteSet)
  }

  // --- join ---

  async #join(): Promise<void> {
    const life = ++this.#life
    const { connection, problems, room, params } = this.#ports
    this.#setPhase('joining')
    let token: string
    try {
      token = await this.#ports.token()
    } catch (error) {
      if (life !== this.#life) return
      const name = error instanceof Error ? error.name : 'error'
      problems.raise('authentication-failed', `the option token failed (${name})`, 'token')
      connection.reset()
      return
    }
    if (life !== this.#life) return
    const { epoch } = this
    this.#awaitedRead = 0
    this.#target = undefined
    connection.send([
      {
        type: 'join',
        channel: this.#channel,
        room,
        token,
        params: params(),
        ...(epoch === undefined ? {} : { head: epoch.recordHash }),
        cursor: this.#inbound.cursor,
        hash: epoch === undefined ? new Uint8Array(0) : hashPrefix(this.#inbound.hash),
        observe: false,
      },
    ])
  }

  #joined(joined: Joined): void {
    this.role = joined.role
    this.#setPhase('keying')
    const newest = joined.records.at(-1)
    if (this.epoch !== undefined) this.#rejoined(joined)
    else if (newest !== undefined) void this.#adopt(newest, false)
    else if (joined.role === 'write') void this.#openEpochZero()
    // Who may not write waits for somebody's `record`.
  }

  /** Compares what the relay shows with what this device holds (protocol §6 "Rollback"). */
  #rejoined(joined: Joined): void {
    const { problems } = this.#ports
    if (joined.confirmed && joined.records.length === 0) {
      void this.#keyed(false)
    } else if (joined.confirmed) {
      problems.raise('stale-epoch', 'the document has a newer epoch than this version reads', 'epoch')
      this.#halt()
    } else if (joined.records.length > 0) {
      problems.raise('rollback', 'the relay shows another epoch record than the one this device holds', 'epoch')
      this.#halt()
    } else if (joined.hash.length === 0) {
      problems.raise(
        'rollback',
        'the relay shows no record of this document any more: what this device holds is kept',
        'epoch',
      )
      this.#halt()
    } else {
      problems.raise(
        'rollback',
        `the relay lacks what this device has read up to sequence ${this.#inbound.cursor}`,
        'log',
      )
      this.#rewind()
    }
  }

  /** Reads the whole log into the document as it is; what the relay lost is then missing in the log state, and so it is sent. */
  #rewind(): void {
    if (this.epoch === undefined) return
    this.#isHealing = true
    this.#logState.clear()
    this.#inbound.begin(this.epoch, false)
    void this.#keyed(true)
  }

  // --- epoch ---

  /** `readAgain`: what the join has read came before this epoch. */
  async #adopt(record: Uint8Array, readAgain: boolean): Promise<void> {
    const life = this.#life
    const epoch = await this.#ports.keyDesk.adopt(record)
    if (epoch === undefined) return
    if (life !== this.#life) {
      epoch.keys.forget()
      return
    }
    this.#enterEpoch(epoch)
    // Entries that came before the key were kept, unless they were too many.
    void this.#keyed(readAgain || this.#inbound.overflowed)
  }

  #enterEpoch(epoch: Epoch): void {
    this.epoch = epoch
    this.#inbound.begin(epoch, true)
    this.#ports.onEpoch(epoch)
  }

  async #openEpochZero(): Promise<void> {
    const life = this.#life
    const opening = await prepareOpening(this.#ports, this.#nextRequest())
    if (opening === undefined) return
    if (life !== this.#life) {
      abandonOpening(opening)
      return
    }
    this.#opening = opening
    this.#sendOpening(opening)
  }

  #sendOpening({ staged, epoch }: Opening): void {
    const frame = staged.next()
    if (frame === undefined) return
    const message = { channel: this.#channel, request: staged.request, envelopes: frame.envelopes }
    this.#ports.connection.send([
      frame.isLast ? { type: 'open', ...message, record: epoch.record, sequence: 0 } : { type: 'stage', ...message },
    ])
  }

  /** The relay took our record: the seed is in the log, now it may be in the document. */
  #wonOpening({ epoch, sealer, seed, staged }: Opening, sequence: number, hash: Uint8Array): void {
    this.#opening = undefined
    this.#sealer = sealer
    this.#enterEpoch(epoch)
    if (seed !== undefined) {
      Y.applyUpdate(this.#ports.doc, seed, this.#ports.origin)
      this.#inbound.receiveAck(sequence, staged.entries, seed, hash)
    }
    this.#target = sequence
    void this.#keyed(false)
  }

  #openingRefused(opening: Opening, refused: Refused): void {
    const { problems } = this.#ports
    abandonOpening(opening)
    this.#opening = undefined
    if (refused.code === 'stale-epoch' && refused.record !== undefined) {
      // Somebody else was first: the seed is dropped, and the winner's entries are read.
      void this.#adopt(refused.record, true)
    } else if (refused.code === 'write-denied') {
      this.role = 'read'
    } else if (refused.code === 'limit') {
      problems.raise('limit', `the relay refused the document's first content: ${refused.detail}`, 'initial')
    } else {
      this.#distrust(`the relay refused to open the document: ${refused.code}`)
    }
  }

  // --- catch up ---

  async #keyed(readAgain: boolean): Promise<void> {
    const life = this.#life
    if (this.#sealer === undefined) await this.#renewSealer()
    if (life !== this.#life || this.epoch === undefined) return
    this.#setPhase('reading')
    if (readAgain) this.#read(this.#inbound.cursor)
    this.#ports.awareness.start(this.epoch)
    this.#inbound.drain()
  }

  async #renewSealer(): Promise<void> {
    const { epoch } = this
    if (epoch === undefined) return
    const life = this.#life
    const sealer = await createWireSealer(epoch, this.#ports.padding, this.#ports.clock)
    if (life !== this.#life) {
      sealer.retire()
      return
    }
    this.#sealer?.retire()
    this.#sealer = sealer
  }

  /** Asks for the entries after a sequence; until they have come, nothing is sent. */
  #read(after: number): void {
    this.#awaitedRead = this.#nextRequest()
    this.#target = undefined
    this.#appender.pause()
    if (this.phase === 'live') this.#setPhase('reading')
    this.#ports.connection.send([{ type: 'read', channel: this.#channel, request: this.#awaitedRead, after, to: 0 }])
  }

  #progress(): void {
    if (this.phase === 'reading') {
      if (this.#target !== undefined && this.#inbound.cursor >= this.#target) this.#becomeLive()
      else if (this.#inbound.isIdle && this.#inbound.overflowed) {
        this.#inbound.forgetWaiting()
        this.#read(this.#inbound.cursor)
      }
    }
    this.#holes.look()
  }

  #becomeLive(): void {
    const { outbox, doc, clock, connection, onOutbox } = this.#ports
    if (this.#sealer === undefined) return
    if (this.#appender.isBusy) {
      // A re-read in mid-typing: the ack of what is in flight is still to come.
      this.#setPhase('live')
      this.#appender.resume()
      return
    }
    // The law (protocol §7): whatever the document holds and the log lacks is on its way from now on.
    outbox.replace(difference(doc, this.#logState), clock.now())
    connection.worked()
    this.#setPhase('live')
    onOutbox()
    if (this.role === 'read' || this.#sealer === undefined) return
    this.#appender.start(this.#channel, connection.limits, this.#isHealing)
    this.#isHealing = false
  }

  // --- messages ---

  #receive(messages: Down[]): void {
    for (const message of messages) {
      // A message may end the session; what came with it in the frame is then nobody's.
      if (this.phase === 'away' || this.phase === 'halted') return
      this.#receiveOne(message)
    }
  }

  #receiveOne(message: Down): void {
    const opening = this.#opening
    switch (message.type) {
      case 'joined':
        if (this.phase === 'joining') this.#joined(message)
        break
      case 'entries':
        this.#inbound.receive(message.first, message.hashBefore, message.entries)
        break
      case 'caught-up':
        if (message.request !== this.#awaitedRead) break
        this.#target = message.sequence
        this.#inbound.drain()
        break
      case 'staged':
        if (opening?.staged.request === message.request) this.#sendOpening(opening)
        else this.#appender.onStaged(message.request)
        break
      case 'ack':
        this.#appender.onAck(message)
        break
      case 'opened':
        if (opening?.staged.request === message.request) this.#wonOpening(opening, message.sequence, message.hash)
        break
      case 'record':
        this.#recordAppeared(message.record)
        break
      case 'refused':
        if (opening?.staged.request === message.request) this.#openingRefused(opening, message)
        else this.#appender.onRefused(message)
        break
      case 'awareness':
        this.#ports.awareness.receive(message.session, message.envelope)
        break
      case 'left':
        this.#ports.awareness.left(message.session)
        break
      case 'heartbeat':
        this.#heartbeat(message.sequence, message.hash)
        break
      case 'closed':
        this.#away()
        this.#setPhase('halted')
        this.#ports.onEnded(message.code, message.reason)
        break
    }
  }

  /** Somebody opened an epoch. Who has sent a record too is told by the refusal; who waits, for it or for a key of its own, takes it. */
  #recordAppeared(record: Uint8Array): void {
    if (this.epoch !== undefined) {
      this.#ports.problems.raise('stale-epoch', 'the document has a newer epoch than this version reads', 'epoch')
      this.#halt()
    } else if (this.#opening === undefined) {
      void this.#adopt(record, true)
    }
  }

  #heartbeat(sequence: number, hash: Uint8Array): void {
    if (this.phase !== 'live' || !this.#inbound.isIdle || this.#ports.outbox.isInFlight) return
    const { cursor } = this.#inbound
    // A fan-out was lost on its way: nobody else would ever say so.
    if (sequence > cursor) this.#read(cursor)
    else if (sequence < cursor || !equalBytes(hash, hashPrefix(this.#inbound.hash))) {
      this.#distrust(`the relay's log is at sequence ${sequence}, this device has read ${cursor}, and they do not fit`)
    }
  }

  async #appendRefused(refused: Refused): Promise<void> {
    const { problems, onOutbox } = this.#ports
    this.#appender.stop()
    if (refused.code === 'write-denied') {
      this.role = 'read'
      problems.raise('write-denied', 'the relay takes no entries from this token', 'append')
      onOutbox()
      return
    }
    const life = this.#life
    await this.#renewSealer()
    if (life !== this.#life) return
    this.#read(this.#inbound.cursor)
  }

  // --- ends ---

  /** Connects anew: the join compares both histories from the start. */
  #distrust(message: string): void {
    this.#ports.problems.raise('relay-fault', message, 'log')
    this.#ports.connection.reset()
  }

  /** Only a person or another version can go on from here. */
  #halt(): void {
    this.#ports.connection.send([{ type: 'leave', channel: this.#channel }])
    this.#away()
    this.#setPhase('halted')
  }

  #away(): void {
    this.#life++
    this.#ports.keyDesk.stop()
    this.#appender.stop()
    this.#inbound.forgetWaiting()
    this.#ports.awareness.stop()
    this.#sealer?.retire()
    this.#sealer = undefined
    if (this.#opening !== undefined) abandonOpening(this.#opening)
    this.#opening = undefined
    this.#holes.stop()
    if (this.phase !== 'halted') this.#setPhase('away')
  }

  #setPhase(phase: Phase): void {
    if (phase === this.phase) return
    this.phase = phase
    this.#ports.onPhase(phase)
  }

  #nextRequest(): number {
    this.#lastRequest = (this.#lastRequest % MAX_REQUEST) + 1
    return this.#lastRequest
  }
}

/** The protocol's largest request number; long before it comes round, the connection is another. */
const MAX_REQUEST = 2 ** 31 - 1
