import { hashPrefix, ProtocolError } from '@y-sealed/protocol'
import type { Epoch } from '../epoch/epoch.ts'
import type { Freshness } from '../epoch/freshness.ts'
import { errorName } from '../error-name.ts'
import type { History } from '../history/history.ts'
import type { Inbound } from '../inbound/inbound.ts'
import type { Restored, Standing } from '../local/persistence.ts'
import { wholeLog } from '../log-state/covered-log.ts'
import { type KnownPlace, type ProblemCode, SealedError } from '../sealed-error.ts'
import type { Witnesses } from '../witness/witnesses.ts'
import { AccessRefresh } from './access-refresh.ts'
import { Channel } from './channel.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { DownMessages } from './down-messages.ts'
import type { Epochs } from './epochs.ts'
import { FloodWatch } from './flood-watch.ts'
import type { RotationOptions } from './own-epochs.ts'
import type { Reading } from './reading.ts'
import { Retry } from './retry.ts'
import { connectParts } from './session-parts.ts'
import type { Phase, SessionPorts } from './session-ports.ts'
import { StallWatch } from './stall-watch.ts'
import type { Writing } from './writing.ts'

/** One document's conversation with the relay, across reconnects: join, epoch, catch up, live. */
export class Session {
  phase: Phase = 'away'
  readonly writing: Writing
  readonly #ports: SessionPorts
  readonly #channel: Channel
  readonly #inbound: Inbound
  readonly #reading: Reading
  readonly #checkpoints: Checkpoints
  readonly #witnesses: Witnesses
  readonly #epochs: Epochs
  readonly #messages: DownMessages
  readonly #stalls: StallWatch
  readonly #access: AccessRefresh
  readonly #rejoin: Retry
  readonly #floods = new FloodWatch()
  /** The log was read to its end in this session. */
  #hasCaughtUp = false
  /** connect() was called and nothing has ended it: that a shared connection opens is not reason enough to join. */
  #isWanted = false
  /** Rises at each join and at each end, so that what was awaited in between knows that it comes too late. */
  #life = 0

  constructor(ports: SessionPorts) {
    this.#ports = ports
    const { problems, clock, connection } = ports
    this.#channel = new Channel(connection, {
      onOpen: () => this.enter(),
      onMessages: (messages) => this.#messages.receive(messages),
      onClosed: () => this.#away(),
    })
    this.#rejoin = new Retry(clock, () => this.enter())
    problems.watch(({ code, where }) => {
      if (code === 'tampered') this.#unopened(where)
    })
    this.#access = new AccessRefresh({
      clock,
      problems,
      requests: this.#channel.requests,
      token: ports.hasNextToken ? ports.token : undefined,
    })
    this.#stalls = new StallWatch({
      clock,
      progress: () => this.#owed(),
      onStall: () => this.#distrust('the relay is heard but does not answer'),
    })
    const { inbound, reading, writing, checkpoints, witnesses, epochs, messages } = connectParts(ports, {
      requests: this.#channel.requests,
      phase: () => this.phase,
      setPhase: (phase) => this.#setPhase(phase),
      life: () => this.#life,
      run: (work) => this.#run(work),
      distrust: (message, known) => this.#distrust(message, known),
      startOver: () => this.#startOver(),
      halt: (error) => this.#halt(error),
      keyed: (readAgain) => this.#run(this.#keyed(readAgain)),
      progress: () => this.#progress(),
      settled: () => this.#settled(),
      complete: () => this.#becomeLive(),
      accessLasts: (lifeMs) => this.#access.lasts(lifeMs),
      closed: (code, reason) => this.#closed(code, reason),
    })
    this.writing = writing
    this.#inbound = inbound
    this.#reading = reading
    this.#checkpoints = checkpoints
    this.#witnesses = witnesses
    this.#epochs = epochs
    this.#messages = messages
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
  sayGoodbye(isForGood: boolean): void {
    if (this.phase === 'away' || this.phase === 'halted') return
    this.sendLast(isForGood)
    this.#channel.leave()
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
    this.#channel.detach()
    this.#epochs.destroy()
  }

  /** The epoch in use; undefined until its keys are here. */
  get epoch(): Epoch | undefined {
    return this.#epochs.present
  }

  /** The present key is retired, or its epoch is only read: nothing new is sealed under it. */
  get isRetired(): boolean {
    return this.#epochs.isRetired
  }

  /** Where the reader stands; undefined while what was read is not whole. */
  get standing(): Standing | undefined {
    const { epoch } = this
    const { isHolding, isInParts, isSure, cursor, hash } = this.#inbound
    if (epoch === undefined || this.#epochs.isUnbegun || isHolding || isInParts || !isSure) return undefined
    return { epoch, line: this.#epochs.line, cursor, hash }
  }

  /** The whole log where the reader stands; undefined while the document holds more or less than that. */
  wholeLog(): Uint8Array | undefined {
    const { unsent } = this.writing
    const isOne = this.phase === 'live' && this.#ports.outbox.isEmpty && !unsent.isHealing && !unsent.hasDisowned
    if (!isOne || this.standing === undefined || unsent.lacking() !== undefined) return undefined
    return wholeLog(this.#ports.doc).update
  }

  /** Goes on where this device stood when it was last here. False: the session has begun. */
  resume(restored: Restored): boolean {
    if (this.phase !== 'away' || this.epoch !== undefined) return false
    this.#epochs.resume(restored)
    return true
  }

  /** Resolves with the next epoch, whoever opens it; waits while the session is not live. */
  rotate(options: RotationOptions): Promise<Epoch> {
    return this.#epochs.rotate(options)
  }

  /** Resolves once a checkpoint covers everything that is in the log now; waits while the session is not live. */
  compact(): Promise<void> {
    // A checkpoint of this document would give to all what a forked history has shown to this device alone.
    if (this.writing.unsent.hasDisowned) {
      const message = 'this device holds content that the document does not have'
      return Promise.reject(new SealedError('fork', message, 'checkpoint'))
    }
    return this.#checkpoints.compact()
  }

  get witnesses(): Pick<Witnesses, 'verified' | 'unwitnessed'> {
    return this.#witnesses
  }

  get freshness(): Freshness | undefined {
    return this.#epochs.freshness
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

  /** The user changed the document. */
  changed(): void {
    this.#checkpoints.typed()
    this.writing.changed()
  }

  /** Everything that waits, and the goodbye, in this very turn. `isForGood`: the page goes away, or the provider. */
  sendLast(isForGood: boolean): void {
    this.writing.sendLast(isForGood)
    this.#ports.awareness.sayGoodbye()
  }

  sendAwareness(envelope: Uint8Array): void {
    const { send, channel } = this.#channel.requests
    send([{ type: 'awareness', channel: channel(), envelope }])
  }

  /** What waits to be sent has other ids now; `inFlight` was on its way under the old ones. */
  reissued(inFlight: Uint8Array | undefined): void {
    if (inFlight !== undefined) this.#inbound.supersede(inFlight)
    // A copy of the document that waits for the log to cover it has the old ids.
    this.#checkpoints.yield()
    this.#epochs.reissued()
  }

  /** Yjs is taking entries: what changes in this very turn is a consequence of them. */
  get isApplying(): boolean {
    return this.#inbound.isApplying
  }

  // --- join ---

  async #join(): Promise<void> {
    const life = ++this.#life
    const { problems, room, params } = this.#ports
    this.#channel.renew()
    this.writing.appender.forgiveLimit()
    this.#reading.begin()
    this.#hasCaughtUp = false
    this.#floods.begin()
    this.#epochs.rejoin()
    this.#setPhase('joining')
    let token: string
    try {
      token = await this.#ports.token()
    } catch (error) {
      if (life !== this.#life) return
      problems.raise('authentication-failed', `the option token failed (${errorName(error)})`, 'token')
      this.#startOver()
      return
    }
    if (life !== this.#life) return
    const { epoch } = this
    const facts = {
      room,
      token,
      params: params(),
      ...(epoch === undefined ? {} : { head: epoch.hash }),
      cursor: this.#inbound.sure.sequence,
      hash: epoch === undefined ? new Uint8Array(0) : hashPrefix(this.#inbound.sure.hash),
      observe: false,
    }
    try {
      this.#channel.join(facts)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#halt(problems.raise('limit', `the join cannot be said: ${error.message}`, 'join'))
      return
    }
    this.#stalls.start()
  }

  // --- catch up ---

  async #keyed(readAgain: boolean): Promise<void> {
    // A listener that was told of the epoch may have ended the session.
    if (!this.#isIn('keying')) return
    const life = this.#life
    const { epoch } = this
    if (this.writing.sealer.sealer === undefined) await this.writing.renewSealer()
    // Meanwhile another epoch may have been shown, or the endpoint may have contradicted the relay.
    if (life !== this.#life || !this.#isIn('keying')) return
    if (epoch === undefined || epoch !== this.epoch || !this.#epochs.isThere) return
    this.#setPhase('reading')
    // A listener of `connected` may have decided otherwise.
    if (life !== this.#life || this.phase !== 'reading') return
    this.#stalls.start()
    if (readAgain) this.#reading.read(this.#inbound.cursor)
    this.#inbound.drain()
    // A document that is complete is shown first, and then who looks at it.
    if (life !== this.#life || epoch !== this.epoch) return
    this.#ports.awareness.start(epoch, this.#epochs.isRetired)
  }

  #progress(): void {
    this.#epochs.progress()
    this.#checkpoints.progress()
    this.#reading.progress()
    this.#ports.onProgress()
  }

  #becomeLive(): void {
    const { appender, sealer } = this.writing
    if (sealer.sealer === undefined) return
    this.#hasCaughtUp = true
    if (appender.isBusy) {
      // A re-read in mid-typing: the ack of what is in flight is still to come.
      this.#setPhase('live')
      if (!this.#epochs.isRetired) appender.resume()
      return
    }
    this.#ports.connection.worked()
    this.writing.begin(this.#epochs.isRetired)
    this.#setPhase('live')
    this.#ports.onOutbox()
    this.#epochs.live()
    this.#checkpoints.live()
    this.#witnesses.live()
  }

  #settled(): void {
    const hasWritten = this.writing.appender.isUpdateInFlight
    this.writing.settled()
    // Whoever only says what they have seen has written nothing, but can be asked to vouch for more.
    if (hasWritten) this.#epochs.wrote()
    this.#checkpoints.appended()
  }

  /** What the relay owes an answer to, and how far it has got; undefined while it owes nothing. */
  #owed(): string | undefined {
    const { connection } = this.#ports
    const isJoining = this.phase === 'joining' && this.#channel.isJoinSent
    const owed = this.#epochs.owed ?? this.#checkpoints.owed
    const isReading = this.phase === 'reading' && !this.#epochs.isAtGivenEnd
    if (!isJoining && !isReading && !this.writing.appender.isBusy && owed === undefined) return undefined
    const { cursor, isIdle, isHolding } = this.#inbound
    return [
      owed,
      this.phase,
      cursor,
      isIdle,
      isHolding,
      this.#channel.lastRequest,
      this.#messages.answers,
      connection.bufferedBytes,
    ].join(' ')
  }

  // --- ends ---

  /** What is begun and not awaited ends here: an exception is ours, and told, unless the session that it was for is over. */
  #run(work: Promise<void>): void {
    const life = this.#life
    work.catch((error: unknown) => {
      if (life !== this.#life) return
      this.#ports.problems.raise('internal', `the session failed (${errorName(error)})`, 'session')
      this.#startOver()
    })
  }

  /** The relay's words do not fit together. The next join compares both histories from the start. */
  #distrust(message: string, known?: KnownPlace): void {
    this.#ports.problems.raise('relay-fault', message, 'log', known)
    this.#startOver()
  }

  /** Something that the relay sent does not open. From one that goes on like that this client takes a rest. */
  #unopened(where: string): void {
    // A log is read to its end, whatever is in it: garbage that somebody once appended must keep nobody out.
    if (where === 'entry' && !this.#hasCaughtUp) return
    const { problems, clock } = this.#ports
    if (!this.#floods.failed(clock.now())) return
    problems.count('floods')
    const life = this.#life
    // What is being taken is taken first.
    queueMicrotask(() => {
      if (life === this.#life) this.#startOver()
    })
  }

  /** Leaves, and joins again after a while; the connection, which other documents may share, goes on. */
  #startOver(): void {
    this.#channel.leave()
    this.#away()
    if (this.#isWanted) this.#rejoin.soon()
  }

  /** Only a person or another version can go on from here. */
  #halt(error: SealedError): void {
    this.#isWanted = false
    this.#channel.leave()
    this.#away()
    this.#ports.onHalted(error)
    this.#setPhase('halted')
  }

  #closed(code: number, reason: string): void {
    const wasJoined = this.phase !== 'joining'
    this.#isWanted = false
    this.#away()
    this.#setPhase('halted')
    this.#ports.onEnded(code, reason, wasJoined)
  }

  #away(): void {
    this.#life++
    this.#channel.left()
    this.#epochs.stop()
    this.#checkpoints.stop()
    this.#witnesses.stop()
    this.writing.stop()
    this.#inbound.forgetWaiting()
    this.#ports.awareness.stop()
    this.writing.sealer.leave()
    this.#reading.stop()
    this.#stalls.stop()
    this.#access.stop()
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
}
