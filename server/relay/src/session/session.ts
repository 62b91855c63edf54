import { randomInt } from 'node:crypto'
import {
  type Append,
  type CheckpointsUp,
  type CloseReason,
  type Compact,
  closeReasons,
  type Down,
  encodeFrame,
  type Fetch,
  hashPrefix,
  type Lease,
  type NewBlock,
  type Open,
  type Pause,
  type Read,
  type Release,
} from '@y-sealed/protocol'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import { type Access, mayRotate } from '../auth/authorize.ts'
import type { ShutOut } from '../auth/shut-out.ts'
import type { RelayContext } from '../context.ts'
import { runBytes } from '../log/added-bytes.ts'
import { InDoubtError } from '../log/in-doubt-error.ts'
import type { AppendResult } from '../log/log-store.ts'
import { Delivery } from '../room/delivery.ts'
import type { Member, MemberInfo, Room } from '../room/room.ts'
import { errorFields } from '../telemetry/log.ts'
import type { Connection } from '../transport/connection.ts'
import { AwarenessPace } from './awareness-pace.ts'
import { newCheckpoint } from './new-checkpoint.ts'
import { newEpoch } from './new-epoch.ts'
import { headerOf, newEntries, newRuns, type Write } from './new-runs.ts'
import { OwnLease } from './own-lease.ts'
import { Refusal, refusalFor } from './refusal.ts'
import { SideReads } from './side-reads.ts'
import { type NewEntries, Staging } from './staging.ts'

// Drawn, not counted: a salt belongs to the session that used it first, also after a restart and on another node.
const SESSION_NUMBERS = 2 ** 48 - 1

export interface SessionOptions {
  context: RelayContext
  room: Room
  connection: Connection
  channel: number
  access: Access
  isObserver: boolean
  /** Ends the session's channel, and says so. */
  close(reason: CloseReason): void
  /** The log cannot be read any more. */
  onFailure(error: unknown): void
}

/** One provider's join of one room, from `joined` to its end. */
export class Session implements Member {
  readonly number = randomInt(1, SESSION_NUMBERS)
  readonly room: Room
  readonly connection: Connection
  readonly channel: number
  readonly isObserver: boolean
  readonly delivery: Delivery
  readonly close: (reason: CloseReason) => void
  readonly #joinedAtUnixMs: number
  #access: Access
  readonly #context: RelayContext
  #staging: Staging | undefined
  readonly #onFailure: (error: unknown) => void
  #sideReads: SideReads | undefined
  #awareness: AwarenessPace | undefined
  readonly #lease: OwnLease
  #hasLeft = false

  constructor({ context, room, connection, channel, access, isObserver, close, onFailure }: SessionOptions) {
    this.room = room
    this.connection = connection
    this.channel = channel
    this.#access = access
    this.isObserver = isObserver
    this.close = close
    this.#joinedAtUnixMs = context.clock.now()
    this.#context = context
    this.#onFailure = onFailure
    const onDelivered = (entries: number) => context.metrics.traffic.delivered(entries)
    const { backlogBytes } = context.limits
    this.delivery = new Delivery({ ...this.#reading, room, isObserver, backlogBytes, onDelivered })
    this.#lease = new OwnLease({ context, room: room.name, session: this.number, connection })
    room.add(this)
  }

  /** Hears and says nothing any more; what it still writes is stored, unanswered. */
  leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.delivery.end()
    this.#sideReads?.end()
    this.#awareness?.stop()
    this.room.remove(this)
  }

  end(): void {
    this.leave()
    this.#staging?.drop()
    if (this.#lease.isHeld) this.#lease.giveBack().catch((error: unknown) => this.#tell(error))
  }

  /** Sends entries again, a checkpoint, or which ones there are. Only a read through the head moves live delivery. */
  async read(message: Read | Fetch | CheckpointsUp): Promise<void> {
    // Its channel's number may be another session's by now.
    if (this.#hasLeft) return
    if (message.type === 'read' && message.to === 0) await this.#reread(message)
    else if (!this.#sideReading().add(message))
      this.#refuse(message.request, new Refusal('limit', 'too many reads at once'))
  }

  /** Carries out one request, whose bytes have been taken from HeldBytes, and answers it. `arrivedMs`: by performance.now(). */
  async write(message: Write, arrivedMs: number): Promise<void> {
    const { request } = message
    const staging = this.#lease.stagingOf(request) ?? this.#ownStaging()
    let bytes = message.envelopes.envelopeBytes
    try {
      if (!this.mayWrite) throw new Refusal('write-denied', 'this session may only read')
      const { envelopes } = message
      const brought = message.type === 'append' ? { runs: newRuns(envelopes), chunks: [] } : newEntries(envelopes)
      if (brought.chunks.length > 0) this.#checkMayBringChunks(request)
      if (message.type === 'stage') {
        staging.add(request, brought, bytes)
        bytes = 0
        this.#send({ type: 'staged', channel: this.channel, request })
      } else {
        const taken = staging.take(request, brought, bytes)
        bytes = taken.bytes
        if (message.type === 'append') await this.#append(message, taken, arrivedMs)
        else if (message.type === 'open') await this.#open(message, taken)
        else await this.#compact(message, taken)
      }
    } catch (error) {
      staging.drop()
      this.#refuse(request, error)
    } finally {
      this.#context.held.release(bytes)
    }
  }

  /** Takes or gives back the document's lease, or pauses its appends, and answers that. */
  async claim(message: Lease | Pause | Release): Promise<void> {
    const { channel } = this
    const { type, request } = message
    try {
      if (type === 'release') {
        await this.#lease.giveBack()
        this.#send({ type: 'released', channel, request })
      } else if (!this.mayWrite) {
        throw new Refusal('write-denied', 'this session may only read')
      } else if (!this.mayRotate && (type === 'pause' || message.purpose === 'rotate')) {
        throw new Refusal('write-denied', 'this session may not rotate')
      } else if (type === 'lease') {
        const leased = await this.#lease.take(message)
        if (this.#hasLeft) await this.#lease.giveBack()
        this.#send(leased)
      } else {
        this.#send(await this.#lease.pause(message))
      }
    } catch (error) {
      this.#refuse(request, error)
    }
  }

  /** Passes awareness on, or refuses it as request 0: awareness has no requests of its own. */
  say(envelope: Uint8Array): void {
    try {
      if (this.isObserver) throw new Refusal('write-denied', 'an observer says nothing')
      const { kind, epochIndex } = headerOf(envelope)
      if (kind !== EnvelopeKind.awareness) throw new Refusal('malformed', `kind ${kind} is no awareness`)
      this.#awarenessPace().say({ envelope, epochIndex })
    } catch (error) {
      this.#refuse(0, error)
    }
  }

  get info(): MemberInfo {
    const { subject } = this.#access
    const role = this.mayWrite ? 'write' : 'read'
    const { number: session, isObserver } = this
    return { session, subject, role, isObserver, joinedAtUnixMs: this.#joinedAtUnixMs }
  }

  /** Another token: what it allows holds from here on. */
  allow(access: Access): void {
    const hasLess = (this.mayWrite && access.role === 'read') || (this.mayRotate && !mayRotate(access))
    this.#access = access
    // A lease that cannot be used any more would keep the others out for as long as its holder pings.
    if (hasLess && this.#lease.isHeld) this.#lease.giveBack().catch((error: unknown) => this.#tell(error))
  }

  /** Whether an operator has shut out who came with this token. */
  isIn(shutOut: ShutOut): boolean {
    return shutOut.has(this.#access, this.room.name)
  }

  get mayWrite(): boolean {
    return this.#access.role === 'write' && !this.isObserver
  }

  get mayRotate(): boolean {
    return mayRotate(this.#access) && !this.isObserver
  }

  /** Who appends; a session of which that is not known is somebody of its own. */
  get subject(): string {
    return this.#access.subject || String(this.number)
  }

  get #reading() {
    const { store, limits } = this.#context
    const { connection, channel } = this
    return { store, connection, channel, catchUpBytes: limits.catchUpBytes, onFailure: this.#onFailure }
  }

  /** Made when it is first needed: most sessions write nothing. */
  #ownStaging(): Staging {
    const { held, limits } = this.#context
    this.#staging ??= new Staging(held, limits.maxAppendBytes)
    return this.#staging
  }

  /** Likewise: most read nothing beside their place. */
  #sideReading(): SideReads {
    const { maxWaitingRequests: maxWaiting } = this.#context.limits
    this.#sideReads ??= new SideReads({ ...this.#reading, room: this.room.name, maxWaiting })
    return this.#sideReads
  }

  #awarenessPace(): AwarenessPace {
    const { clock, limits } = this.#context
    const rate = { burst: limits.awarenessBurst, perSecond: limits.awarenessPerSecond }
    this.#awareness ??= new AwarenessPace(clock, rate, ({ envelope, epochIndex }) => {
      // Sealed for another epoch than the others have now: each member says its own again when it adopts an epoch.
      if (epochIndex === this.room.head.record?.index) this.room.say(this, envelope)
    })
    return this.#awareness
  }

  async #reread({ request, after }: Read): Promise<void> {
    const { pruned } = await this.#context.store.standing(this.room.name)
    if (after < pruned) this.#refuse(request, refusalFor('pruned'))
    else this.delivery.reread(request, after)
  }

  async #append({ request, names }: Append<NewBlock>, { runs, chunks }: NewEntries, arrivedMs: number): Promise<void> {
    if (chunks.length > 0) throw new Refusal('malformed', 'a checkpoint is no entry of a log')
    if (runs.length === 0) throw new Refusal('malformed', 'an append without entries')
    const { store, limits } = this.#context
    const append = { ...this.#author, quota: this.#quota(1), runs }
    const named = names ? { ...append, names: { checkpoint: names, aloneMs: limits.nameAloneMs } } : append
    const { sequence, hash } = await this.#commit(store.append(named))
    const count = runs.reduce((sum, run) => sum + run.count, 0)
    this.#context.metrics.appended(count, runBytes(runs), performance.now() - arrivedMs)
    this.#send({ type: 'ack', channel: this.channel, request, sequence, count, hash: hashPrefix(hash) })
  }

  async #open(message: Open<NewBlock>, brought: NewEntries): Promise<void> {
    const { request, record } = message
    // Another node may have opened the one that this replaces; our sessions get its record first, whatever else is wrong: with a lease that ran out
    // went what was staged, too.
    await this.room.outside?.caughtUp()
    const epoch = newEpoch(message, brought)
    if (epoch.replaces && !this.mayRotate) throw new Refusal('write-denied', 'this session may not rotate')
    // What is staged under the lease would be left behind.
    if (epoch.replaces && this.#lease.isHeld && !this.#lease.is(request)) {
      throw new Refusal('busy', "an open has its lease's number")
    }
    const { sequence, hash } = await this.#commit(
      this.#context.store.open({ ...this.#author, ...this.#owner, quota: this.#quota(2), ...epoch }),
    )
    this.#lease.drop()
    this.#send({ type: 'opened', channel: this.channel, request, record, sequence, hash: hashPrefix(hash) })
  }

  async #compact(message: Compact<NewBlock>, brought: NewEntries): Promise<void> {
    const { channel, room } = this
    const { request } = message
    // Before what it has brought is looked at: with the lease it has lost what was staged, too.
    if (!this.#lease.is(request)) throw refusalFor('busy')
    const checkpoint = newCheckpoint(message, brought)
    const epochIndex = checkpoint.chunks[0].epochIndex
    const { store, rooms } = this.#context
    const result = await rooms.commit(
      room,
      store.compact({ ...this.#author, quota: this.#quota(2), ...checkpoint }),
      (result) => {
        if (result.stored) room.compacted({ place: result.place, epochIndex }, result.isNamed, this)
      },
    )
    if (!result.stored) throw refusalFor(result.code, result.record)
    this.#lease.drop()
    this.#send({ type: 'compacted', channel, request, place: result.place, named: result.isNamed })
  }

  #checkMayBringChunks(request: number): void {
    // Nothing can be leased where there is no record: a relay that was wiped gets its first one with a checkpoint.
    const isFirst = this.room.head.record === undefined
    if (!isFirst && !this.#lease.is(request)) throw refusalFor('busy')
  }

  get #author() {
    return { room: this.room.name, session: this.number, subject: this.subject }
  }

  get #owner() {
    const { tenant } = this.#access
    return tenant === undefined ? {} : { tenant }
  }

  /** `times`: what makes a full document smaller, or shuts somebody out of it, needs room for a moment. */
  #quota(times: number) {
    const { maxDocumentBytes, maxTenantBytes } = this.#context.limits
    return { documentBytes: times * maxDocumentBytes, tenantBytes: times * maxTenantBytes }
  }

  async #commit(write: Promise<AppendResult>) {
    const result = await this.#context.rooms.commit(this.room, write, (result) => {
      if (result.stored) this.room.apply(result.commit, this)
    })
    if (!result.stored) throw refusalFor(result.code, result.record)
    return result.commit
  }

  #refuse(request: number, error: unknown): void {
    // It may be stored: the client must look before it sends it again, and does so when it joins.
    if (error instanceof InDoubtError) {
      this.#tell(error)
      this.close(closeReasons.internal)
      return
    }
    const refusal = error instanceof Refusal ? error : new Refusal('internal', 'the relay could not store it')
    if (refusal !== error) this.#tell(error)
    const { code, message: detail, record } = refusal
    this.#context.metrics.refused(code)
    this.#send({ type: 'refused', channel: this.channel, request, code, detail, ...(record && { record }) })
  }

  #tell(error: unknown): void {
    this.#context.log.error('request failed', errorFields(error))
  }

  #send(message: Down): void {
    // The client may already use the channel's number for another room.
    if (this.#hasLeft) return
    this.connection.send(encodeFrame([message]))
  }
}
