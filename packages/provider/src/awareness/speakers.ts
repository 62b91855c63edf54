import type { Clock } from '@y-sealed/key-client'
import type { AwarenessEntry } from './awareness-entries.ts'

/** States of one session: its own client id, and room for the subdocuments' providers that share it. */
const MAX_IDS_PER_SESSION = 8
/** Of all sessions together: a room where more carets move is a stadium. */
const MAX_IDS = 1_000
/** Who is there renews its state every 15 s. Who has not been heard for twice that is gone, or half-open: another may speak for that client id. */
const SILENT_MS = 30_000
/** Changes of a state between two that are heard: an honest one makes some hundred a second, and not all of them are told. */
const MAX_JUMP = 2 ** 16
const MAX_JUMP_PER_MS = 1
/** Salts whose highest counter is remembered after they have gone, so that a relay cannot bring back what they said; and who wrote what. */
const MAX_REMEMBERED = 4_096

/** `foreign`: another session speaks for that client id. `crowd`: more ids than one may speak for. */
export type Hearing = 'taken' | 'replayed' | 'foreign' | 'crowd' | 'jump'

interface Speaker {
  salt: string
  heardMs: number
  readonly states: Map<number, { readonly clock: number; readonly atMs: number }>
}

/**
 * Which session speaks for which client id. The first that shows a state under an id keeps it until it leaves or falls silent; against one that has only
 * said so, a session whose entries in the log carry that id is believed. So nobody moves another's caret, and who comes back has theirs again.
 */
export class Speakers {
  readonly #clock: Clock
  readonly #onReleased: (clients: number[]) => void
  readonly #sessions = new Map<number, Speaker>()
  readonly #owners = new Map<number, Speaker>()
  /** Highest counter heard, by salt. */
  readonly #counters = new Map<string, number>()
  /** Salts with client ids that their log entries carry. */
  readonly #written = new Set<string>()

  /** `onReleased`: nobody speaks for these ids any more; what was known of them is to be forgotten. */
  constructor(clock: Clock, onReleased: (clients: number[]) => void) {
    this.#clock = clock
    this.#onReleased = onReleased
  }

  /** How many client ids somebody speaks for. */
  get size(): number {
    return this.#owners.size
  }

  hear(session: number, salt: string, counter: number, entries: readonly AwarenessEntry[]): Hearing {
    if (counter <= (this.#counters.get(salt) ?? 0)) return 'replayed'
    remember(this.#counters, salt, counter)
    const nowMs = this.#clock.now()
    const speaker = this.#sessions.get(session) ?? { salt, heardMs: nowMs, states: new Map() }
    const added = entries.filter(({ client }) => !speaker.states.has(client)).length
    if (speaker.states.size + added > MAX_IDS_PER_SESSION || this.#owners.size + added > MAX_IDS) return 'crowd'
    for (const { client, clock } of entries) {
      const last = speaker.states.get(client)
      if (last !== undefined && clock - last.clock > MAX_JUMP + (nowMs - last.atMs) * MAX_JUMP_PER_MS) return 'jump'
      if (!this.#mayTake(client, speaker, salt)) return 'foreign'
    }
    speaker.salt = salt
    speaker.heardMs = nowMs
    this.#sessions.set(session, speaker)
    for (const { client, clock } of entries) this.#take(client, clock, speaker)
    return 'taken'
  }

  /** A session's entry in the log brings content of this client id. */
  wrote(salt: string, client: number): void {
    const name = `${salt} ${client}`
    if (this.#written.has(name)) return
    this.#written.add(name)
    if (this.#written.size > MAX_REMEMBERED)
      for (const oldest of this.#written) return void this.#written.delete(oldest)
  }

  left(session: number): void {
    const speaker = this.#sessions.get(session)
    this.#sessions.delete(session)
    if (speaker !== undefined) this.release(speaker.states.keys())
  }

  /** Clients that have left, or have not been heard for long. */
  release(clients: Iterable<number>): void {
    const released = [...clients].filter((client) => {
      this.#owners.get(client)?.states.delete(client)
      return this.#owners.delete(client)
    })
    if (released.length > 0) this.#onReleased(released)
  }

  /** The connection is gone, and with it everybody. What each has said last was forgotten with it, and counts anew when the relay tells it at the next one. */
  clear(): void {
    for (const { salt } of this.#sessions.values()) {
      const counter = this.#counters.get(salt)
      if (counter !== undefined) this.#counters.set(salt, counter - 1)
    }
    this.#sessions.clear()
    this.release([...this.#owners.keys()])
  }

  #mayTake(client: number, speaker: Speaker, salt: string): boolean {
    const owner = this.#owners.get(client)
    if (owner === undefined || owner === speaker || owner.salt === salt) return true
    if (this.#clock.now() - owner.heardMs > SILENT_MS) return true
    return this.#written.has(`${salt} ${client}`) && !this.#written.has(`${owner.salt} ${client}`)
  }

  #take(client: number, clock: number, speaker: Speaker): void {
    const owner = this.#owners.get(client)
    if (owner !== undefined && owner !== speaker) this.release([client])
    this.#owners.set(client, speaker)
    speaker.states.set(client, { clock, atMs: this.#clock.now() })
  }
}

function remember(counters: Map<string, number>, salt: string, counter: number): void {
  // The one heard last is the last to be forgotten.
  counters.delete(salt)
  counters.set(salt, counter)
  if (counters.size > MAX_REMEMBERED) for (const oldest of counters.keys()) return void counters.delete(oldest)
}
