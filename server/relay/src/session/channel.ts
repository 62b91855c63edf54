import {
  type AwarenessUp,
  type CheckpointsUp,
  type CloseReason,
  closeReasons,
  type Down,
  encodeFrame,
  type Fetch,
  type Join,
  type Joined,
  type Lease,
  type Pause,
  ProtocolError,
  type Read,
  type Refresh,
  type RefusalCode,
  type Release,
} from '@y-sealed/protocol'
import { AccessLife } from '../auth/access-life.ts'
import { CLOCK_TOLERANCE_MS } from '../auth/access-tokens.ts'
import type { Access } from '../auth/authorize.ts'
import type { RelayContext } from '../context.ts'
import type { EpochRecord, OpenedEpoch, Standing } from '../log/log-store.ts'
import { DeletedError } from '../room/deleted-error.ts'
import { headHash } from '../room/down.ts'
import { PrunedError } from '../room/pruned-error.ts'
import type { Room } from '../room/room.ts'
import { errorFields } from '../telemetry/log.ts'
import { TokenBucket } from '../token-bucket.ts'
import type { Connection } from '../transport/connection.ts'
import type { Write } from './new-runs.ts'
import { pageRecords } from './record-pages.ts'
import { type Resumption, resume, startOf } from './resume.ts'
import { SerialQueue } from './serial-queue.ts'
import { Session } from './session.ts'

export type ChannelMessage = Write | Lease | Pause | Release | Read | Fetch | CheckpointsUp | AwarenessUp | Refresh

export interface ChannelOptions {
  context: RelayContext
  connection: Connection
  join: Join
  /** Whether one more token may be looked at now. */
  mayAsk(): boolean
  onJoined(): void
  onEnd(): void
}

/** One channel of a connection: its join, then one request after the other, then its end. */
export class Channel {
  readonly #context: RelayContext
  readonly #connection: Connection
  readonly #number: number
  readonly #room: string
  readonly #params: Join['params']
  readonly #queue: SerialQueue
  readonly #onEnd: () => void
  readonly #mayAsk: () => boolean
  /** Of an access that ends by itself. */
  #life: AccessLife | undefined
  /** Made when it is first needed, as is much of a session: most connections only read. */
  #pace: TokenBucket | undefined
  #session: Session | undefined
  #hasRoom = false
  #isFinishing = false
  #ended = false

  constructor({ context, connection, join, mayAsk, onJoined, onEnd }: ChannelOptions) {
    this.#context = context
    this.#connection = connection
    this.#number = join.channel
    this.#room = join.room
    this.#params = join.params
    this.#onEnd = onEnd
    this.#mayAsk = mayAsk
    this.#queue = new SerialQueue(context.limits.maxWaitingRequests, (error) => this.#fail(error))
    this.#start(join, onJoined)
  }

  /** By itself, so that what the constructor leaves behind does not hold the token for as long as the channel lasts. */
  #start(join: Join, onJoined: () => void): void {
    this.#queue.add(async () => {
      if (await this.#enter(join)) onJoined()
    })
  }

  receive(message: ChannelMessage): void {
    switch (message.type) {
      case 'awareness':
        this.#session?.say(message.envelope)
        break
      case 'refresh':
        // Its answer would be `closed`: a client that floods with tokens gets that at once.
        if (!this.#queue.add(() => this.#refresh(message.token))) this.close(closeReasons.limit)
        break
      case 'read':
      case 'fetch':
      case 'checkpoints':
        if (!this.#queue.add(() => this.#session?.read(message))) this.#refuse(message.request, 'limit')
        break
      case 'lease':
      case 'pause':
      case 'release':
        if (!this.#queue.add(() => this.#session?.claim(message))) this.#refuse(message.request, 'limit')
        break
      default:
        this.#receiveWrite(message)
    }
  }

  /** The relay ends it, and says so; the connection goes on. */
  close(reason: CloseReason): void {
    if (this.#isGone) return
    const { code, meaning } = reason
    this.#context.metrics.channelClosed(code)
    this.#send({ type: 'closed', channel: this.#number, code, reason: meaning })
    this.end()
  }

  /**
   * The client goes. What it asked for before is its last words: carried out, unanswered, in order; then the channel ends. Without that, what is
   * typed in the moment before a page closes would be lost although the relay has read it.
   */
  finish(): void {
    if (this.#isGone) return
    if (!this.#session) {
      this.end()
      return
    }
    this.#isFinishing = true
    this.#life?.stop()
    this.#session.leave()
    this.#onEnd()
    this.#queue.addLast(async () => this.end())
  }

  /** Ends at once: what waits is not begun. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#life?.stop()
    this.#session?.end()
    if (this.#hasRoom) this.#context.rooms.leave(this.#room)
    if (!this.#isFinishing) this.#onEnd()
  }

  #receiveWrite(message: Write): void {
    const bytes = message.envelopes.envelopeBytes
    const { held } = this.#context
    const hasRoom = held.take(bytes)
    const arrivedMs = performance.now()
    const isTaken =
      hasRoom &&
      this.#queue.add(() => {
        const pace = this.#appendPace()
        const waitMs = pace.take() ? 0 : pace.waitMs
        return waitMs > 0 ? this.#writeLater(message, arrivedMs, waitMs) : this.#write(message, arrivedMs)
      })
    if (isTaken) return
    if (hasRoom) held.release(bytes)
    this.#refuse(message.request, 'limit')
  }

  #write(message: Write, arrivedMs: number): Promise<void> | undefined {
    if (this.#session && !this.#ended) return this.#session.write(message, arrivedMs)
    this.#context.held.release(message.envelopes.envelopeBytes)
    return undefined
  }

  /** In its turn: whoever sends one request after the other only becomes slower. */
  async #writeLater(message: Write, arrivedMs: number, waitMs: number): Promise<void> {
    const { clock } = this.#context
    await new Promise<void>((resolve) => void clock.setTimeout(resolve, waitMs))
    this.#appendPace().take()
    await this.#write(message, arrivedMs)
  }

  #appendPace(): TokenBucket {
    const { clock, limits } = this.#context
    this.#pace ??= new TokenBucket(clock, { burst: limits.appendBurst, perSecond: limits.appendsPerSecond })
    return this.#pace
  }

  /** Authorises the client, makes its session and answers `joined`. False: the channel has ended. */
  async #enter(join: Join): Promise<boolean> {
    const { channel, room: name, observe } = join
    const access = await this.#authorize(join.token)
    if (this.#ended) return false
    if ('code' in access) {
      this.close(access)
      return false
    }
    this.#hasRoom = true
    const room = await this.#context.rooms.enter(name)
    if (this.#ended) return false
    const session = new Session({
      context: this.#context,
      room,
      connection: this.#connection,
      channel,
      access,
      isObserver: observe,
      close: (reason) => this.close(reason),
      onFailure: (error) => this.#fail(error),
    })
    // In the room before the log is read: what is stored from here on reaches the session.
    this.#session = session
    // While the room was loaded.
    if (room.isDeleted) throw new DeletedError()
    const resumption = await resume(this.#context.store, join)
    // Another relay has brought what this room has not heard of: beside a head from before, a newer epoch or checkpoint would be a contradiction.
    if (isAheadOf(room, resumption)) await room.outside?.caughtUp()
    const lastPage = await this.#sendRecords(resumption.records)
    if (this.#isGone) return false
    this.#welcome(session, join, resumption, lastPage)
    this.#endAccessAt(access.endsAtUnixMs)
    if (access.endsAtUnixMs !== undefined || (session.mayWrite && !session.mayRotate)) this.#sayAccess(session)
    return true
  }

  /** Sends, at the client's pace, the records that `joined` has no room for, and returns the others. */
  async #sendRecords(records: readonly EpochRecord[]): Promise<EpochRecord[]> {
    const [lastPage = [], ...older] = pageRecords(records).reverse()
    for (const page of older.reverse()) {
      while (!this.#isGone && this.#connection.backlogBytes > this.#context.limits.backlogBytes) {
        await this.#connection.drained()
      }
      if (this.#isGone) break
      this.#send({ type: 'records', channel: this.#number, records: page.map(({ bytes }) => bytes) })
    }
    return lastPage
  }

  #welcome(session: Session, join: Join, resumption: Resumption, lastPage: EpochRecord[]): void {
    const { isConfirmed, held, records, standing } = resumption
    const { head, opened } = session.room
    const newest = (records.at(-1) ?? held)?.index ?? -1
    // Opened while the store was read.
    const since = opened.filter(({ index }) => index > newest)
    this.#send({
      type: 'joined',
      channel: this.#number,
      session: session.number,
      role: session.mayWrite ? 'write' : 'read',
      sequence: head.sequence,
      hash: headHash(head),
      confirmed: isConfirmed,
      pruned: standing.pruned,
      ...placesOf(standing, since.at(-1)),
      records: [...lastPage, ...since].map(({ bytes }) => bytes),
    })
    const all = [...records, ...since]
    const { after, epochIndex } = startOf(join, { held, records: all, standing }, head)
    session.delivery.start(after, epochIndex, all)
  }

  #endAccessAt(unixMs: number | undefined): void {
    if (unixMs === undefined && !this.#life) return
    this.#life ??= new AccessLife({
      clock: this.#context.clock,
      toleranceMs: CLOCK_TOLERANCE_MS,
      onEnd: () => this.close(closeReasons.unauthorised),
    })
    this.#life.endsAt(unixMs)
  }

  async #refresh(token: string): Promise<void> {
    if (!this.#mayAsk()) {
      if (this.#session) this.#sayAccess(this.#session)
      return
    }
    let access: Access | CloseReason
    try {
      access = await this.#authorize(token)
    } catch (error) {
      // It says nothing of the token: what was allowed before holds until its end.
      this.#context.log.error('refresh failed', errorFields(error))
      if (this.#session) this.#sayAccess(this.#session)
      return
    }
    if (this.#ended || !this.#session) return
    if ('code' in access) {
      this.close(access)
      return
    }
    this.#session.allow(access)
    this.#endAccessAt(access.endsAtUnixMs)
    this.#sayAccess(this.#session)
  }

  #sayAccess({ mayWrite, mayRotate }: Session): void {
    const lifeMs = this.#life?.lifeMs
    const access = { role: mayWrite ? 'write' : 'read', mayRotate, ...(lifeMs !== undefined && { lifeMs }) } as const
    this.#send({ type: 'access', channel: this.#number, ...access })
  }

  /** What the token allows, or why it allows nothing. */
  async #authorize(token: string): Promise<Access | CloseReason> {
    const { authorize, shutOut } = this.#context
    const room = this.#room
    const access = await authorize(token, { room, params: this.#params, address: this.#connection.address })
    if (!access) return closeReasons.unauthorised
    return shutOut.has(access, room) ? closeReasons.revoked : access
  }

  #refuse(request: number, code: RefusalCode): void {
    const detail = 'too many requests at once'
    this.#context.metrics.refused(code)
    this.#send({ type: 'refused', channel: this.#number, request, code, detail })
  }

  /** Also while its last words are carried out: its number may be another channel's by now. */
  get #isGone(): boolean {
    return this.#ended || this.#isFinishing
  }

  #send(message: Down): void {
    if (!this.#isGone) this.#connection.send(encodeFrame([message]))
  }

  #fail(error: unknown): void {
    // The relay's doing, and no failure: the client joins again and begins elsewhere.
    if (error instanceof PrunedError) {
      this.close(closeReasons.timeout)
      return
    }
    if (error instanceof DeletedError) {
      this.close(closeReasons.deleted)
      return
    }
    this.#context.log.error('channel failed', errorFields(error))
    this.close(error instanceof ProtocolError && error.code === 'limit' ? closeReasons.limit : closeReasons.internal)
  }
}

/** Whether the store has an epoch, or a checkpoint of entries, that the room does not know yet. */
function isAheadOf({ head }: Room, { records, standing }: Resumption): boolean {
  const { newest, pruned } = standing
  const hasEpoch = (records.at(-1)?.index ?? -1) > (head.record?.index ?? -1)
  return hasEpoch || Math.max(newest?.sequence ?? 0, pruned) > head.sequence
}

/** What `joined` says of checkpoints; of an epoch that was opened while the store was read, the one with which it began. */
function placesOf({ newest, base }: Standing, opened: OpenedEpoch | undefined): Pick<Joined, 'newest' | 'base'> {
  if (!opened) return { ...(newest && { newest }), ...(base && { base }) }
  const { checkpoint } = opened
  return checkpoint ? { newest: checkpoint, base: checkpoint } : {}
}
