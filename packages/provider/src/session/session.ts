import type { Sealer } from '@y-sealed/envelope'
import { type Down, hashPrefix, ProtocolError, type Refused, type Up } from '@y-sealed/protocol'
import * as Y from 'yjs'
import { CurrentSealer } from '../epoch/current-sealer.ts'
import type { Epoch } from '../epoch/epoch.ts'
import { equalBytes } from '../hex.ts'
import type { History } from '../history/history.ts'
import { Inbound } from '../inbound/inbound.ts'
import { LogState } from '../log-state/log-state.ts'
import { Unsent } from '../log-state/unsent.ts'
import { Appender } from '../outbound/appender.ts'
import { type ProblemCode, SealedError } from '../sealed-error.ts'
import { Checkpoints } from './checkpoints.ts'
import { Epochs, type RotationOptions } from './epochs.ts'
import { HoleWatch } from './hole-watch.ts'
import { Retry } from './retry.ts'
import type { Phase, SessionPorts } from './session-ports.ts'
import { StallWatch } from './stall-watch.ts'

/** The protocol's largest request number; long before it comes round, the connection is another. */
const MAX_REQUEST = 2 ** 31 - 1
/** Appends refused in a row that are settled in silence, by a new sealer each (protocol §7). */
const SILENT_REFUSALS = 3

const denied = () => new SealedError('write-denied', 'this session may only read', 'checkpoint')

/** One document's conversation with the relay, across reconnects: join, epoch, catch up, live. */
export class Session {
  phase: Phase = 'away'
  role: 'read' | 'write' = 'read'
  readonly #ports: SessionPorts
  readonly #logState = new LogState()
  readonly #inbound: Inbound
  readonly #appender: Appender
  readonly #unsent: Unsent
  readonly #sealer: CurrentSealer
  readonly #checkpoints: Checkpoints
  readonly #epochs: Epochs
  readonly #holes: HoleWatch
  readonly #stalls: StallWatch
  readonly #rejoin: Retry
  readonly #reread: Retry
  /** Another one at each join. */
  #channel: number
  /** connect() was called and nothing has ended it: that a shared connection opens is not reason enough to join. */
  #isWanted = false
  #isJoinSent = false
  /** Request number of the read that is awaited (0: the one that a join begins), and where it ended. */
  #awaitedRead = 0
  #target: number | undefined
  #lastRequest = 0
  /** Messages of the relay that answered something. */
  #answers = 0
  #refusalsInARow = 0
  /** Rises at each join and at each end, so that what was awaited in between knows that it comes too late. */
  #life = 0

  constructor(ports: SessionPorts) {
    this.#ports = ports
    const { doc, origin, problems, clock, connection, outbox, flushDelayMs } = ports
    const send = (messages: Up[]): void => connection.send(messages)
    const nextRequest = (): number => this.#nextRequest()
    this.#unsent = new Unsent(doc, this.#logState)
    this.#sealer = new CurrentSealer(ports)
    this.#inbound = new Inbound({
      doc,
      origin,
      problems,
      clock,
      logState: this.#logState,
      ownSalt: () => this.#sealer.sealer?.salt,
      onProgress: () => this.#progress(),
      onSettled: () => this.#settled(),
      onForeignContent: () => {
        const missing = this.#unsent.lacking()
        if (missing !== undefined) ports.onForeignContent(missing)
      },
      onTaken: (sequence, bytes) => this.#checkpoints.taken(sequence, bytes),
      onWitness: (witness) => this.#checkpoints.heard(witness),
      onLogged: (update) => {
        this.#epochs.logged(update)
        this.#checkpoints.logged(update)
      },
      reread: (after) => this.#read(after),
      onRelayFault: (message) => this.#distrust(message),
      onOpenFailed: () => {
        problems.raise('internal', 'opening failed; it is tried again in a new session', 'entry')
        this.#startOver()
      },
    })
    this.#appender = new Appender({
      outbox,
      problems,
      clock,
      flushDelayMs,
      send,
      nextRequest,
      difference: () => this.#unsent.lacking(),
      compactDifference: () => this.#unsent.compactLacking(),
      isUnusable: (update) => this.#unsent.restsOnDisowned(update),
      birth: () => ({ sequence: this.#inbound.cursor, hash: this.#inbound.hash }),
      sealer: () => this.#sealer.sealer,
      renewSealer: () => this.#renewSealer(),
      onOutbox: () => ports.onOutbox(),
      onSealFailed: () => {
        problems.raise('internal', 'sealing failed; it is tried again in a new session', 'append')
        this.#startOver()
      },
      onAck: (ack, entries, update) => this.#inbound.receiveAck(ack.sequence, entries, update, ack.hash),
      onRefused: (refused) => this.#run(this.#appendRefused(refused)),
    })
    const requests = { send, nextRequest, channel: () => this.#channel, limits: () => connection.limits }
    this.#checkpoints = new Checkpoints({
      session: ports,
      inbound: this.#inbound,
      logState: this.#logState,
      requests,
      history: () => this.#epochs.history,
      isHead: (recordHash) => this.#epochs.isHead(recordHash),
      liveEpoch: () => (this.#isUndisturbed ? this.epoch : undefined),
      onRecord: (record) => this.#epochs.recordAppeared(record, true),
      heal: () => this.#heal(),
      witness: (make) => this.#appender.witness(make),
    })
    this.#epochs = new Epochs({
      session: ports,
      checkpoints: this.#checkpoints,
      inbound: this.#inbound,
      logState: this.#logState,
      unsent: this.#unsent,
      sealer: this.#sealer,
      requests,
      phase: () => this.phase,
      role: () => this.role,
      becomeReader: () => {
        this.role = 'read'
      },
      onLeaving: () => {
        this.#appender.stop()
        ports.awareness.suspend()
        // What came while a person was to decide was not taken.
        if (this.phase === 'held' && this.epoch !== undefined) this.#read(this.#inbound.cursor)
        this.#setPhase('keying')
      },
      onRetired: () => {
        this.#appender.pause()
        ports.awareness.mute()
      },
      onUnretired: () => {
        ports.awareness.unmute()
        if (this.#canWrite) this.#appender.resume()
      },
      isStuck: () => this.#appender.obstacle !== undefined,
      onThere: (readAgain) => this.#run(this.#keyed(readAgain)),
      onOwnEntries: (sequence) => {
        this.#target = sequence
      },
      onHeld: (error) => {
        this.#appender.stop()
        this.#sealer.leave()
        this.#inbound.forgetWaiting()
        ports.awareness.stop()
        ports.onHalted(error)
        this.#setPhase('held')
      },
      run: (work) => this.#run(work),
      distrust: (message) => this.#distrust(message),
      startOver: () => this.#startOver(),
      halt: (error) => this.#halt(error),
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
    this.#stalls = new StallWatch({
      clock,
      progress: () => this.#owed(),
      onStall: () => this.#distrust('the relay is heard but does not answer'),
    })
    this.#rejoin = new Retry(clock, () => this.enter())
    this.#reread = new Retry(clock, () => this.#read(this.#inbound.cursor))
    this.#channel = connection.attach({
      onOpen: () => this.enter(),
      onMessages: (messages) => this.#receive(messages),
      onClosed: () => this.#away(),
    })
  }

  /** The app wants this document connected, until `end()` or until the relay ends it for good. */
  want(): void {
    this.#isWanted = true
    this.enter()
  }

  /** The same, after a while: the relay ended the session, but not for good. */
  wantLater(): void {
    this.#isWanted = true
    this.#rejoin.soon()
  }

  /** Joins, if the app wants it and the connection is open. */
  enter(): void {
    if (!this.#isWanted || !this.#ports.connection.isOpen) return
    if (this.phase === 'away' || this.phase === 'halted') this.#run(this.#join())
  }

  /** Sends what can still be sent in this turn, and that this session ends. */
  sayGoodbye(): void {
    if (this.phase === 'away' || this.phase === 'halted') return
    this.sendLast()
    this.#leave()
  }

  /** Ends the session, whether the socket is gone or goes on for others. */
  end(): void {
    this.#isWanted = false
    this.#rejoin.stop()
    this.#away()
  }

  destroy(): void {
    this.end()
    this.#inbound.stop()
    this.#ports.connection.detach(this.#channel)
    this.#epochs.destroy()
  }

  /** The epoch in use; undefined until its keys are here. */
  get epoch(): Epoch | undefined {
    return this.#epochs.present
  }

  /** Resolves with the next epoch, whoever opens it; waits while the session is not live. */
  rotate(options: RotationOptions): Promise<Epoch> {
    return this.#epochs.rotate(options)
  }

  /** Resolves once a checkpoint covers everything that is in the log now; waits while the session is not live. */
  compact(): Promise<void> {
    return this.#checkpoints.compact()
  }

  get history(): History {
    return this.#epochs.history
  }

  /** The keys of an epoch that is shown are wanting. */
  locked(code: ProblemCode): void {
    this.#epochs.locked(code)
  }

  /** Whoever waits for another epoch, or for a checkpoint, waits in vain. */
  giveUp(error: SealedError): void {
    this.#epochs.giveUpRotation(error)
    this.#checkpoints.end(error)
  }

  /** The user wrote this. */
  noteOwn(update: Uint8Array): void {
    this.#unsent.noteOwn(update)
  }

  /** The user changed the document. */
  changed(): void {
    this.#checkpoints.typed()
    if (this.#canWrite) this.#appender.changed()
  }

  flushNow(): void {
    if (this.#canWrite) this.#appender.sendNow()
  }

  /** The page goes away: everything that waits, and the goodbye, in this very turn. */
  sendLast(): void {
    if (this.#canWrite) this.#appender.sendLast()
    this.#ports.awareness.sayGoodbye()
  }

  sendAwareness(envelope: Uint8Array): void {
    this.#ports.connection.send([{ type: 'awareness', channel: this.#channel, envelope }])
  }

  /** The wire sealer, for awareness; one that is spent is replaced for the next use, between two appends. */
  useSealer(): Sealer | undefined {
    const { sealer, isRenewing } = this.#sealer
    if (sealer?.isSpent() && !this.#appender.isBusy && !isRenewing) this.#run(this.#renewSealer())
    return sealer
  }

  /** Why what the user wrote is not sent as it is; undefined while nothing stands in the way. */
  get obstacle(): SealedError | undefined {
    return this.#appender.obstacle
  }

  /** Yjs is taking entries: what changes in this very turn is a consequence of them. */
  get isApplying(): boolean {
    return this.#inbound.isApplying
  }

  /** True if the log is known to hold all of an update, such as another tab's. */
  covers(update: Uint8Array): boolean {
    return this.#logState.covers(Y.decodeUpdate(update))
  }

  /** Notes deletes that need not be sent: Yjs itself made them of what came from the log. */
  creditDeletes({ ds }: ReturnType<typeof Y.decodeUpdate>): void {
    this.#logState.addDeletes(ds)
  }

  get #canWrite(): boolean {
    return this.role === 'write' && this.phase === 'live'
  }

  /** Live, and nothing stands in the way of the log and this document becoming one. */
  get #isUndisturbed(): boolean {
    const { isRetired, isRotating } = this.#epochs
    return this.#canWrite && !isRetired && !isRotating && this.obstacle === undefined && !this.#unsent.hasDisowned
  }

  // --- join ---

  async #join(): Promise<void> {
    const life = ++this.#life
    const { connection, problems, room, params } = this.#ports
    this.#channel = connection.reattach(this.#channel)
    this.#isJoinSent = false
    this.#appender.forgiveLimit()
    this.#awaitedRead = 0
    this.#target = undefined
    this.#epochs.rejoin()
    this.#setPhase('joining')
    let token: string
    try {
      token = await this.#ports.token()
    } catch (error) {
      if (life !== this.#life) return
      const name = error instanceof Error ? error.name : 'error'
      problems.raise('authentication-failed', `the option token failed (${name})`, 'token')
      this.#startOver()
      return
    }
    if (life !== this.#life) return
    const { epoch } = this
    const join: Up = {
      type: 'join',
      channel: this.#channel,
      room,
      token,
      params: params(),
      ...(epoch === undefined ? {} : { head: epoch.hash }),
      cursor: this.#inbound.cursor,
      hash: epoch === undefined ? new Uint8Array(0) : hashPrefix(this.#inbound.hash),
      observe: false,
    }
    try {
      connection.send([join])
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#halt(problems.raise('limit', `the join cannot be said: ${error.message}`, 'join'))
      return
    }
    this.#isJoinSent = true
    this.#stalls.start()
  }

  // --- catch up ---

  async #renewSealer(): Promise<void> {
    const { epoch } = this
    if (epoch !== undefined) await this.#sealer.renew(epoch)
  }

  async #keyed(readAgain: boolean): Promise<void> {
    // A listener that was told of the epoch may have ended the session.
    if (!this.#isIn('keying')) return
    const life = this.#life
    const { epoch } = this
    if (this.#sealer.sealer === undefined) await this.#renewSealer()
    // Meanwhile another epoch may have been shown.
    if (life !== this.#life || epoch === undefined || epoch !== this.epoch || !this.#epochs.isThere) return
    this.#setPhase('reading')
    // A listener of `connected` may have decided otherwise.
    if (life !== this.#life || this.phase !== 'reading') return
    this.#stalls.start()
    if (readAgain) this.#read(this.#inbound.cursor)
    this.#ports.awareness.start(epoch, this.#epochs.isRetired)
    this.#inbound.drain()
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
    this.#epochs.progress()
    this.#checkpoints.progress()
    if (this.phase === 'reading') {
      const hasReached = this.#target !== undefined && this.#inbound.cursor >= this.#target
      if (hasReached && !this.#inbound.isHolding) this.#becomeLive()
      else if (this.#inbound.isIdle && this.#inbound.overflowed) {
        this.#inbound.forgetForeign()
        this.#read(this.#inbound.cursor)
      }
    }
    this.#holes.look()
  }

  #becomeLive(): void {
    const { outbox, clock, connection, onOutbox } = this.#ports
    if (this.#sealer.sealer === undefined) return
    if (this.#appender.isBusy) {
      // A re-read in mid-typing: the ack of what is in flight is still to come.
      this.#setPhase('live')
      if (!this.#epochs.isRetired) this.#appender.resume()
      return
    }
    // The law (protocol §7): whatever the document holds and the log lacks is on its way from now on.
    outbox.replace(this.#unsent.settle(this.#epochs.isHealing), clock.now())
    connection.worked()
    if (this.role === 'read') this.#checkpoints.refuse(denied())
    else {
      this.#appender.start(this.#channel, connection.limits, this.#epochs.isHealing)
      if (this.#epochs.isRetired) this.#appender.pause()
    }
    this.#epochs.isHealing = false
    this.#setPhase('live')
    onOutbox()
    this.#epochs.live()
    this.#checkpoints.progress()
  }

  /** Something of what was read is not in the log for everybody: it is published again. */
  #heal(): void {
    const { outbox, clock, onOutbox } = this.#ports
    const missing = this.#unsent.lacking()
    if (missing === undefined) return
    // If the session ends first, the next one knows that this is not what the user wrote.
    this.#epochs.isHealing = true
    outbox.add(missing, clock.now())
    this.#appender.repairNext()
    onOutbox()
  }

  #settled(): void {
    this.#refusalsInARow = 0
    this.#epochs.wrote()
    this.#ports.outbox.settle()
    if (this.phase === 'live' && this.#ports.outbox.isEmpty) this.#epochs.isHealing = false
    this.#ports.onOutbox()
    this.#appender.settled()
    this.#checkpoints.wrote()
  }

  async #appendRefused(refused: Refused): Promise<void> {
    const { problems, onOutbox } = this.#ports
    this.#appender.stop()
    if (refused.code === 'write-denied') {
      this.role = 'read'
      problems.raise('write-denied', 'the relay takes no entries from this token', 'append')
      this.#checkpoints.refuse(denied())
      onOutbox()
      return
    }
    if (refused.code === 'stale-epoch' && refused.record !== undefined) {
      this.#epochs.recordAppeared(refused.record, true)
      if (!this.#epochs.isThere) return
    }
    const life = this.#life
    await this.#renewSealer()
    if (life !== this.#life) return
    // A limit has a back-off of its own.
    if (refused.code === 'limit' || ++this.#refusalsInARow === 1) {
      this.#read(this.#inbound.cursor)
      return
    }
    if (this.#refusalsInARow > SILENT_REFUSALS) {
      problems.raise('relay-fault', `the relay goes on refusing what it should take: ${refused.code}`, 'append')
    }
    this.#reread.soon()
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
    const { awareness, onEnded } = this.#ports
    if (this.#epochs.takes(message) || this.#checkpoints.takes(message)) {
      this.#answers++
      return
    }
    switch (message.type) {
      case 'records':
        if (this.phase === 'joining') this.#epochs.show(message.records)
        break
      case 'joined':
        if (this.phase !== 'joining') break
        this.role = message.role
        this.#setPhase('keying')
        this.#epochs.joined(message)
        break
      case 'entries':
        // While a person has to decide, they are another document's.
        if (this.phase !== 'held') this.#inbound.receive(message.first, message.hashBefore, message.entries)
        break
      case 'caught-up':
        if (message.request !== this.#awaitedRead) break
        this.#target = message.sequence
        this.#inbound.drain()
        break
      case 'staged':
        this.#answers++
        this.#appender.onStaged(message.request)
        break
      case 'ack':
        this.#appender.onAck(message)
        break
      case 'record':
        this.#epochs.recordAppeared(message.record)
        break
      case 'refused':
        // What comes next is not kept any more: the next join begins with a checkpoint.
        if (message.request === this.#awaitedRead && message.code === 'pruned') this.#startOver()
        else if (message.request !== 0 && message.request === this.#awaitedRead) this.#reread.soon()
        else this.#appender.onRefused(message)
        break
      case 'awareness':
        awareness.receive(message.session, message.envelope)
        break
      case 'left':
        awareness.left(message.session)
        break
      case 'recheck':
        this.#epochs.nudged()
        break
      case 'heartbeat':
        this.#heartbeat(message.sequence, message.hash)
        break
      case 'closed':
        this.#isWanted = false
        this.#away()
        this.#setPhase('halted')
        onEnded(message.code, message.reason)
        break
    }
  }

  #heartbeat(sequence: number, hash: Uint8Array): void {
    if (this.phase !== 'live' || !this.#inbound.isIdle || this.#appender.isBusy) return
    const { cursor } = this.#inbound
    // A fan-out was lost on its way: nobody else would ever say so.
    if (sequence > cursor) this.#read(cursor)
    else if (sequence < cursor || !equalBytes(hash, hashPrefix(this.#inbound.hash))) {
      this.#distrust(`the relay's log is at sequence ${sequence}, this device has read ${cursor}, and they do not fit`)
    }
  }

  /** What the relay owes an answer to, and how far it has got; undefined while it owes nothing. */
  #owed(): string | undefined {
    const { connection } = this.#ports
    const isJoining = this.phase === 'joining' && this.#isJoinSent
    const owed = this.#epochs.owed ?? this.#checkpoints.owed
    const isReading = this.phase === 'reading' && !this.#epochs.isAtGivenEnd
    if (!isJoining && !isReading && !this.#appender.isBusy && owed === undefined) return undefined
    const { cursor, isIdle, isHolding } = this.#inbound
    return [
      owed,
      this.phase,
      cursor,
      isIdle,
      isHolding,
      this.#lastRequest,
      this.#answers,
      connection.bufferedBytes,
    ].join(' ')
  }

  // --- ends ---

  /** What is begun and not awaited ends here: an exception is ours, and told, unless the session that it was for is over. */
  #run(work: Promise<void>): void {
    const life = this.#life
    work.catch((error: unknown) => {
      if (life !== this.#life) return
      // Its name only: the words of an unknown error may quote what was sealed.
      const name = error instanceof Error ? error.name : 'error'
      this.#ports.problems.raise('internal', `the session failed (${name})`, 'session')
      this.#startOver()
    })
  }

  /** The relay's words do not fit together. The next join compares both histories from the start. */
  #distrust(message: string): void {
    this.#ports.problems.raise('relay-fault', message, 'log')
    this.#startOver()
  }

  /** Leaves, and joins again after a while; the connection, which other documents may share, goes on. */
  #startOver(): void {
    this.#leave()
    this.#away()
    if (this.#isWanted) this.#rejoin.soon()
  }

  /** Only a person or another version can go on from here. */
  #halt(error: SealedError): void {
    this.#isWanted = false
    this.#leave()
    this.#away()
    this.#ports.onHalted(error)
    this.#setPhase('halted')
  }

  #leave(): void {
    if (this.#isJoinSent) this.#ports.connection.send([{ type: 'leave', channel: this.#channel }])
    this.#isJoinSent = false
  }

  #away(): void {
    this.#life++
    this.#isJoinSent = false
    this.#epochs.stop()
    this.#checkpoints.stop()
    this.#appender.stop()
    this.#inbound.forgetWaiting()
    this.#ports.awareness.stop()
    this.#sealer.leave()
    this.#holes.stop()
    this.#stalls.stop()
    this.#reread.stop()
    if (this.phase !== 'halted') this.#setPhase('away')
  }

  /** Asked anew each time: a listener may have changed it since. */
  #isIn(phase: Phase): boolean {
    return this.phase === phase
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
