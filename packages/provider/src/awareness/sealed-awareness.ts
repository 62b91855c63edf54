import {
  EnvelopeError,
  EnvelopeKind,
  encodeAwarenessBody,
  isCurrentAwareness,
  openEnvelope,
  parseAwarenessBody,
  type Sealer,
} from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import { ProtocolError } from '@y-sealed/protocol'
import { parseHeader } from '@y-sealed/protocol/header'
import {
  type Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness'
import type { Epoch } from '../epoch/epoch.ts'
import { errorName } from '../error-name.ts'
import { hex, shortName } from '../hex.ts'
import type { Problems } from '../problems.ts'
import { rethrowLater } from '../rethrow-later.ts'
import { MAX_STATE_BYTES, parseAwarenessEntries } from './awareness-entries.ts'
import { ownSaltsOf } from './own-salts.ts'
import { Speakers } from './speakers.ts'

/** A caret that moves with every key is told at most this often: smooth for the eye, and a tenth of the traffic. */
const COALESCE_MS = 80
/** States that came before the key: the newest of each session, up to this many sessions and bytes. More are heard of at their next renewal. */
const MAX_EARLY_SESSIONS = 256
const MAX_EARLY_BYTES = 4 * 1024 * 1024

/** States that wait to be opened: a room of 250 whose states are as large as they may be. Who sends more than a page can open is heard at the next renewal. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024

export interface SealedAwarenessPorts {
  readonly awareness: Awareness
  readonly origin: object
  readonly problems: Problems
  readonly clock: Clock
  /** The session's wire sealer; undefined while there is none. */
  sealer(): Sealer | undefined
  send(envelope: Uint8Array): void
}

interface Change {
  added: number[]
  updated: number[]
  removed: number[]
}

/**
 * Awareness, sealed. Only the own state is sent (an echo of others' is N² on a relay that cannot merge), and states leave with their session.
 */
export class SealedAwareness {
  readonly #ports: SealedAwarenessPorts
  readonly #speakers: Speakers
  /** Of all providers of this document here: what comes back of them is nobody's harm. */
  readonly #ownSalts: Set<string>
  /** The newest envelope per session, from before the key came. */
  readonly #early = new Map<number, Uint8Array>()
  #epoch: Epoch | undefined
  #timer: unknown
  #isWaiting = false
  #isMuted = false
  #isDirty = false
  #inbound: Promise<void> = Promise.resolve()
  #waitingBytes = 0

  constructor(ports: SealedAwarenessPorts) {
    this.#ports = ports
    this.#speakers = new Speakers(ports.clock, (clients) => this.#forget(clients))
    this.#ownSalts = ownSaltsOf(ports.awareness.doc)
    ports.awareness.on('update', this.#onUpdate)
  }

  /** The session is keyed: tells the own state anew, since the others forgot it when this client left. `isMuted`: nothing is told under this epoch. */
  start(epoch: Epoch, isMuted: boolean): void {
    const { awareness } = this.#ports
    this.#epoch = epoch
    this.#isMuted = isMuted
    const early = [...this.#early]
    this.#early.clear()
    // Some may be of a still later epoch, and are kept again.
    for (const [session, envelope] of early) this.receive(session, envelope)
    // Setting the state raises its clock: with an old one, those who have seen this client leave would not show it again.
    const state = awareness.getLocalState()
    if (state !== null) rethrowLater(() => awareness.setLocalState(state))
  }

  /** The epoch's key is retired: others are heard, and nothing is told under it any more. */
  mute(): void {
    this.#isMuted = true
  }

  unmute(): void {
    this.#isMuted = false
    this.#sendSoon()
  }

  /** The keys of another epoch are on their way: what comes before them is kept, what is told waits. */
  suspend(): void {
    this.#epoch = undefined
    this.#isWaiting = false
    this.#ports.clock.clearTimeout(this.#timer)
  }

  receive(session: number, envelope: Uint8Array): void {
    const epoch = this.#epoch
    const index = epochIndexOf(envelope)
    // What is of an epoch that is not here yet waits for it; what is of one that is over is nobody's any more.
    if (epoch === undefined || (index !== undefined && index > epoch.index)) this.#keepEarly(session, envelope)
    else if (index !== undefined && index < epoch.index) this.#ports.problems.count('awareness-outlived')
    else if (this.#waitingBytes + envelope.length > MAX_WAITING_BYTES) this.#ports.problems.count('awareness-shed')
    else {
      this.#waitingBytes += envelope.length
      this.#inTurn(() => {
        this.#waitingBytes -= envelope.length
        return this.#open(epoch, session, envelope)
      })
    }
  }

  left(session: number): void {
    this.#early.delete(session)
    this.#inTurn(() => this.#speakers.left(session))
  }

  /** The document has another client id: who shows carets tells its own by that. */
  follow(before: number): void {
    const { awareness } = this.#ports
    if (awareness.clientID !== before) return
    const state = awareness.getLocalState()
    rethrowLater(() => awareness.setLocalState(null))
    if (!this.#isMuted && this.#epoch !== undefined) this.#seal(encodeAwarenessUpdate(awareness, [before]))
    awareness.clientID = awareness.doc.clientID
    // The first one has clock 0, which y-protocols does not take from others.
    for (let times = 0; state !== null && times < 2; times++) rethrowLater(() => awareness.setLocalState(state))
  }

  /** A session's entry in the log brings content of this client id: it is known by it. */
  wrote(salt: string, client: number): void {
    this.#speakers.wrote(salt, client)
  }

  /** Tells the others that this client goes, in this very turn. */
  sayGoodbye(): void {
    const { awareness } = this.#ports
    if (this.#isMuted || this.#epoch === undefined || !awareness.meta.has(awareness.clientID)) return
    this.#seal(encodeAwarenessUpdate(awareness, [awareness.clientID], new Map()))
  }

  /** The connection is gone, and with it everybody else. */
  stop(): void {
    this.#epoch = undefined
    this.#isWaiting = false
    this.#ports.clock.clearTimeout(this.#timer)
    this.#early.clear()
    this.#speakers.clear()
    this.#forget([...this.#ports.awareness.meta.keys()])
  }

  destroy(): void {
    this.stop()
    this.#ports.awareness.off('update', this.#onUpdate)
  }

  /** One after the other: a state that opens sooner than the one before it must not be replaced by it. */
  #inTurn(act: () => void | Promise<void>): void {
    this.#inbound = this.#inbound.then(act).catch((error: unknown) => {
      // A listener of the app threw; those who come after it are heard all the same.
      rethrowLater(() => {
        throw error
      })
    })
  }

  #keepEarly(session: number, envelope: Uint8Array): void {
    this.#early.delete(session)
    let bytes = envelope.length
    for (const kept of this.#early.values()) bytes += kept.length
    if (this.#early.size < MAX_EARLY_SESSIONS && bytes <= MAX_EARLY_BYTES) this.#early.set(session, envelope)
  }

  readonly #onUpdate = ({ added, updated, removed }: Change, origin: unknown): void => {
    const { awareness } = this.#ports
    if (origin === this.#ports.origin) return
    // y-protocols drops the states of who has been silent for 30 s.
    if (origin === 'timeout') this.#speakers.release(removed)
    if (![...added, ...updated, ...removed].includes(awareness.clientID)) return
    this.#isDirty = true
    this.#sendSoon()
  }

  #sendSoon(): void {
    if (this.#isWaiting || this.#isMuted || this.#epoch === undefined || !this.#isDirty) return
    const { awareness, clock } = this.#ports
    this.#isDirty = false
    this.#isWaiting = true
    this.#seal(encodeAwarenessUpdate(awareness, [awareness.clientID]))
    this.#timer = clock.setTimeout(() => {
      this.#isWaiting = false
      this.#sendSoon()
    }, COALESCE_MS)
  }

  #seal(update: Uint8Array): void {
    const { clock, problems, send, sealer } = this.#ports
    // Beside the state there are an id and a clock.
    if (update.length > MAX_STATE_BYTES) {
      problems.raise('limit', `the awareness state has ${update.length} bytes; it is kept local`, 'awareness')
      return
    }
    const current = sealer()
    if (current === undefined) return
    this.#ownSalts.add(hex(current.salt))
    for (const envelope of current.sealNow(EnvelopeKind.awareness, encodeAwarenessBody(clock.now(), update)))
      send(envelope)
  }

  async #open(epoch: Epoch, session: number, envelope: Uint8Array): Promise<void> {
    const { awareness, origin, clock, problems } = this.#ports
    // The session ended while this one waited for its turn.
    if (epoch !== this.#epoch) return
    let salt: string | undefined
    try {
      const opened = await openEnvelope(epoch.keys, envelope)
      if (epoch !== this.#epoch) return
      // Another kind opens as well, but only the relay can have put it here.
      if (opened.kind !== EnvelopeKind.awareness) {
        problems.raise('tampered', `an envelope of kind ${opened.kind} came as an awareness state`, 'awareness')
        return
      }
      salt = hex(opened.salt)
      const body = parseAwarenessBody(opened.body)
      if (!isCurrentAwareness(body, clock.now())) {
        problems.count('awareness-replayed')
        return
      }
      const entries = parseAwarenessEntries(body.update)
      // Nobody speaks for this client but itself; what it said itself comes back from a connection that it has given up.
      if (entries.some(({ client }) => client === awareness.clientID)) {
        this.#refuse(this.#ownSalts.has(salt) ? undefined : 'somebody else speaks for this client', salt)
        return
      }
      const hearing = this.#speakers.hear(session, salt, opened.counter, entries)
      if (hearing === 'replayed') problems.count('awareness-replayed')
      else if (hearing !== 'taken') this.#refuse(REFUSED[hearing], salt)
      else {
        rethrowLater(() => applyAwarenessUpdate(awareness, body.update, origin))
        this.#speakers.release(entries.flatMap(({ client, isGone }) => (isGone ? [client] : [])))
      }
    } catch (error) {
      if (error instanceof EnvelopeError) problems.raise('tampered', 'an awareness state does not open', 'awareness')
      else this.#refuse(`an awareness state is not usable: ${errorName(error)}`, salt ?? '')
    }
  }

  /** Without a reason it may be an honest one, who has come back while the relay believes the old connection alive: counted only. */
  #refuse(why: string | undefined, salt: string): void {
    const { problems } = this.#ports
    problems.count('awareness-refused')
    const sealer = shortName(salt)
    if (why !== undefined) problems.raise('member-fault', `${why} (sealer ${sealer})`, 'awareness', { sealer })
  }

  /** Nobody speaks for these any more. y-protocols would keep their clocks for ever. */
  #forget(clients: readonly number[]): void {
    const { awareness, origin } = this.#ports
    const others = clients.filter((client) => client !== awareness.clientID)
    rethrowLater(() => removeAwarenessStates(awareness, others, origin))
    for (const client of others) awareness.meta.delete(client)
  }
}

const REFUSED = {
  foreign: undefined,
  crowd: 'one session speaks for a crowd',
  jump: 'an awareness clock jumps further than anybody moves',
} as const

function epochIndexOf(envelope: Uint8Array): number | undefined {
  try {
    return parseHeader(envelope).epochIndex
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
