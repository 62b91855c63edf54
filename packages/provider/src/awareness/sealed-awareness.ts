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
import { MAX_AWARENESS_BYTES, ProtocolError } from '@y-sealed/protocol'
import { parseHeader } from '@y-sealed/protocol/header'
import {
  type Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness'
import type { Epoch } from '../epoch/epoch.ts'
import { errorName } from '../error-name.ts'
import { hex } from '../hex.ts'
import type { Problems } from '../problems.ts'
import { rethrowLater } from '../rethrow-later.ts'
import { readAwarenessIds } from './awareness-ids.ts'

/** A caret that moves with every key is told at most this often: smooth for the eye, and a tenth of the traffic. */
const COALESCE_MS = 80
/** States that came before the key: the newest of each session, up to this many sessions and bytes. More are heard of at their next renewal. */
const MAX_EARLY_SESSIONS = 256
const MAX_EARLY_BYTES = 4 * 1024 * 1024
/** States of one session: its own client id, and room for the subdocuments' providers that share it. */
const MAX_IDS_PER_SESSION = 8

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

interface RemoteSession {
  readonly salt: string
  /** Highest counter taken of this salt: an older state must not come back. */
  readonly counter: number
  readonly clientIds: Set<number>
}

/**
 * Awareness, sealed. Only the own state is sent (an echo of others' is N² on a relay that cannot merge), and states leave with their session.
 */
export class SealedAwareness {
  readonly #ports: SealedAwarenessPorts
  readonly #sessions = new Map<number, RemoteSession>()
  /** The newest envelope per session, from before the key came. */
  readonly #early = new Map<number, Uint8Array>()
  #epoch: Epoch | undefined
  #timer: unknown
  #isWaiting = false
  #isMuted = false
  #isDirty = false
  #inbound: Promise<void> = Promise.resolve()

  constructor(ports: SealedAwarenessPorts) {
    this.#ports = ports
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
    else this.#inTurn(() => this.#open(epoch, session, envelope))
  }

  left(session: number): void {
    this.#early.delete(session)
    this.#inTurn(() => {
      const remote = this.#sessions.get(session)
      this.#sessions.delete(session)
      if (remote !== undefined)
        removeAwarenessStates(this.#ports.awareness, this.#othersOf(remote.clientIds), this.#ports.origin)
    })
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
    this.#sessions.clear()
    this.#early.clear()
    const { awareness, origin } = this.#ports
    rethrowLater(() => removeAwarenessStates(awareness, this.#othersOf(awareness.getStates().keys()), origin))
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
    // The envelope adds its header and padding.
    if (update.length > MAX_AWARENESS_BYTES / 2) {
      problems.raise('limit', `the awareness state has ${update.length} bytes; it is kept local`, 'awareness')
      return
    }
    const envelopes = sealer()?.sealNow(EnvelopeKind.awareness, encodeAwarenessBody(clock.now(), update)) ?? []
    for (const envelope of envelopes) send(envelope)
  }

  async #open(epoch: Epoch, session: number, envelope: Uint8Array): Promise<void> {
    const { awareness, origin, clock, problems } = this.#ports
    try {
      const opened = await openEnvelope(epoch.keys, envelope)
      if (epoch !== this.#epoch || opened.kind !== EnvelopeKind.awareness) return
      const remote = this.#sessions.get(session)
      const salt = hex(opened.salt)
      const body = parseAwarenessBody(opened.body)
      if ((remote?.salt === salt && opened.counter <= remote.counter) || !isCurrentAwareness(body, clock.now())) {
        problems.count('awareness-replayed')
        return
      }
      const ids = readAwarenessIds(body.update)
      // Nobody speaks for this client but itself, and nobody for a crowd.
      if (ids.includes(awareness.clientID) || ids.length > MAX_IDS_PER_SESSION) {
        problems.count('awareness-refused')
        return
      }
      this.#sessions.set(session, { salt, counter: opened.counter, clientIds: new Set(ids) })
      rethrowLater(() => applyAwarenessUpdate(awareness, body.update, origin))
    } catch (error) {
      if (error instanceof EnvelopeError) problems.raise('tampered', 'an awareness state does not open', 'awareness')
      else problems.raise('member-fault', `an awareness state is not usable (${errorName(error)})`, 'awareness')
    }
  }

  #othersOf(ids: Iterable<number>): number[] {
    return [...ids].filter((id) => id !== this.#ports.awareness.clientID)
  }
}

function epochIndexOf(envelope: Uint8Array): number | undefined {
  try {
    return parseHeader(envelope).epochIndex
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
