import { setTimeout as after } from 'node:timers/promises'
import { encodeFrame, parseDownFrame, type Up } from '@y-sealed/protocol'
import type { FrameSocket } from '../clients/frame-socket.ts'
import { firstRecord } from '../clients/protocols/bench-keys.ts'
import { appendFrame, type MakeEnvelope, opaqueEnvelopes } from '../clients/protocols/sealed-appends.ts'
import { CHANNEL, greet } from '../clients/protocols/y-sealed-wire.ts'
import { encodeWord, nowMs, type Word, wordOf } from './word.ts'

export interface MemberOptions {
  readonly member: number
  readonly room: string
  /** Relays that serve this room; it begins with the one at `place`, and goes to the next where one is gone. */
  readonly urls: readonly string[]
  readonly place: number
  onAcked(word: Word): void
  onDelivered(word: Word): void
  /** It was cut off, and has had an ack again. */
  onRecovered(lostAtMs: number): void
}

// As a provider's first tries; drawn, so that not all of a node come at once.
const RETRY_MS = 50
const RETRY_SPREAD_MS = 200
// One frame holds far more; what has piled up goes in a few.
const MOST_IN_FLIGHT = 256
// The number of the first request; appends have later ones.
const OPEN = 1

/** Somebody who types into one room, hears the others, and comes back: what is not acked is looked for in the log, then sent again. */
export class LoadMember {
  readonly #options: MemberOptions
  /** Typed, and neither acked nor found in the log; the first `#inFlight` of them are on their way. */
  #outbox: Word[] = []
  #inFlight = 0
  #typed = 0
  #acked = 0
  /** How often a word's ack did not come before the connection ended: so many entries of it may be beside the one that was acked. */
  readonly #inDoubt = new Map<number, number>()
  /** The last word that was heard of each member. */
  readonly #heard = new Map<number, number>()
  #socket: FrameSocket | undefined
  #envelopeOf: MakeEnvelope = opaqueEnvelopes()
  #request = OPEN
  #hasEpoch = false
  #isCaughtUp = false
  #onLive: () => void = () => {}
  #place: number
  #isLive = false
  #isClosed = false
  #lostAtMs: number | undefined

  constructor(options: MemberOptions) {
    this.#options = options
    this.#place = options.place
  }

  get id(): number {
    return this.#options.member
  }

  get typed(): number {
    return this.#typed
  }

  /** The number of the last word that was acked, or found in the log: all before it were, too. */
  get acked(): number {
    return this.#acked
  }

  /** How often it is not known whether this word was stored when it was sent: its connection ended first. */
  timesInDoubt(number: number): number {
    return this.#inDoubt.get(number) ?? 0
  }

  get isConnected(): boolean {
    return this.#isLive
  }

  /** Joins; who finds no epoch opens one. Rejects where the relay does not let it. */
  async connect(): Promise<void> {
    const { urls, room } = this.#options
    const socket = await greet(urls[this.#place % urls.length] ?? '')
    this.#envelopeOf = opaqueEnvelopes()
    this.#socket = socket
    this.#inFlight = 0
    this.#hasEpoch = false
    this.#isCaughtUp = false
    await new Promise<void>((resolve, reject) => {
      this.#onLive = resolve
      socket.onClose = () => reject(new Error('the relay closed instead of serving a member'))
      socket.onMessage = (bytes, start, end) => this.#hear(bytes.subarray(start, end))
      socket.send(encodeFrame([joinOf(room, false)]))
    })
    socket.onClose = () => this.#lose()
  }

  type(): void {
    this.#outbox.push({ member: this.#options.member, number: ++this.#typed, typedAtMs: nowMs() })
    if (this.#isLive && this.#inFlight === 0) queueMicrotask(() => this.#send())
  }

  close(): void {
    this.#isClosed = true
    this.#socket?.close()
  }

  async #open(): Promise<void> {
    const record = await firstRecord(this.#options.room)
    const open: Up = { type: 'open', channel: CHANNEL, request: OPEN, record, sequence: 0, envelopes: [] }
    this.#socket?.send(encodeFrame([open]))
  }

  #look(): void {
    if (this.#isLive || !this.#isCaughtUp) return
    if (this.#hasEpoch) {
      this.#isLive = true
      this.#onLive()
      this.#send()
    } else {
      this.#open().catch(() => this.#socket?.close())
    }
  }

  #lose(): void {
    // Told twice: by what was said, and by the socket's end.
    if (this.#isClosed || !this.#isLive) return
    this.#isLive = false
    for (const { number } of this.#outbox.slice(0, this.#inFlight))
      this.#inDoubt.set(number, this.timesInDoubt(number) + 1)
    this.#lostAtMs ??= nowMs()
    void this.#comeBack()
  }

  async #comeBack(): Promise<void> {
    while (!this.#isClosed) {
      await after(RETRY_MS + Math.random() * RETRY_SPREAD_MS)
      this.#place++
      try {
        await this.connect()
        return
      } catch {
        // Not yet: the next one.
      }
    }
  }

  #send(): void {
    if (!this.#isLive || this.#inFlight > 0 || this.#outbox.length === 0) return
    const words = this.#outbox.slice(0, MOST_IN_FLIGHT)
    this.#inFlight = words.length
    this.#socket?.send(
      appendFrame(
        ++this.#request,
        words.map((word) => this.#envelopeOf(encodeWord(word))),
      ),
    )
  }

  #hear(frame: Uint8Array): void {
    for (const message of parseDownFrame(frame)) {
      if (message.type === 'entries') {
        for (const { envelope } of message.entries) this.#hearWord(wordOf(envelope))
      } else if (message.type === 'ack') {
        const acked = this.#outbox.splice(0, message.count)
        this.#inFlight = 0
        for (const word of acked) this.#options.onAcked(word)
        this.#acked = acked.at(-1)?.number ?? this.#acked
        if (this.#lostAtMs !== undefined) this.#options.onRecovered(this.#lostAtMs)
        this.#lostAtMs = undefined
        this.#send()
      } else if (message.type === 'joined') {
        this.#hasEpoch = message.records.length > 0
      } else if (message.type === 'record' || message.type === 'opened') {
        this.#hasEpoch = true
        this.#look()
      } else if (message.type === 'caught-up') {
        this.#isCaughtUp = true
        this.#look()
      } else if (message.type === 'refused' && message.request === OPEN) {
        // Somebody else was quicker.
        this.#hasEpoch = true
        this.#look()
      } else if (message.type === 'refused' || message.type === 'closed') {
        // It joins anew, and looks what of its own is there.
        this.#socket?.close()
        this.#lose()
      }
    }
  }

  #hearWord(word: Word): void {
    const { member, number } = word
    if (member === this.#options.member) {
      // Of before the connection was lost.
      this.#outbox = this.#outbox.filter((one) => one.number !== number)
      this.#acked = Math.max(this.#acked, number)
      return
    }
    if (number <= (this.#heard.get(member) ?? 0)) return
    this.#heard.set(member, number)
    this.#options.onDelivered(word)
  }
}

/** Every word that the log of a room has, in its order. Rejects where an entry is missing or comes twice. */
export async function wordsOf(url: string, room: string): Promise<Word[]> {
  const socket = await greet(url)
  const words: Word[] = []
  return await new Promise((resolve, reject) => {
    socket.onClose = () => reject(new Error('the relay closed before the log was read'))
    socket.onMessage = (bytes, start, end) => {
      for (const message of parseDownFrame(bytes.subarray(start, end))) {
        if (message.type === 'entries') {
          // Each word is an entry.
          if (message.first !== words.length + 1)
            reject(new Error(`entry ${message.first} came where ${words.length + 1} was due`))
          for (const { envelope } of message.entries) words.push(wordOf(envelope))
        }
        if (message.type !== 'caught-up') continue
        socket.close()
        resolve(words)
      }
    }
    socket.send(encodeFrame([joinOf(room, true)]))
  })
}

function joinOf(room: string, observe: boolean): Up {
  return { type: 'join', channel: CHANNEL, room, token: '', params: {}, cursor: 0, hash: new Uint8Array(0), observe }
}
