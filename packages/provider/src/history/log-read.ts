import type { CaughtUp, Down, Entries, Entry, Up } from '@y-sealed/protocol'
import { SealedError } from '../sealed-error.ts'
import type { Question } from './question.ts'

/** Of one answer, what is held until it is opened; the rest is asked for again. As much as waits for a key in a live session. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** What an entry costs beyond its envelope's bytes: an object and its place in a list. */
const ENTRY_COST_BYTES = 512

export interface LogReadPorts {
  channel(): number
  nextRequest(): number
  send(messages: Up[]): void
}

interface Waiting {
  readonly request: number
  resolve(entries: Entry[]): void
  reject(error: SealedError): void
}

/**
 * Reads (after, to] of the log beside live delivery. `entries` carry no request number: those that are next and end in time are the answer's. A live
 * session is past `to` and gets none such; whatever they are, H tells in the end. May give fewer entries than asked for, but one at least.
 */
export class LogRead implements Question<Entry[]> {
  readonly #ports: LogReadPorts
  readonly #to: number
  #through: number
  readonly #after: number
  readonly #entries: Entry[] = []
  #bytes = 0
  #isFull = false
  #waiting: Waiting | undefined

  /** `after` must be less than `to`. */
  constructor(ports: LogReadPorts, after: number, to: number) {
    this.#ports = ports
    this.#after = after
    this.#through = after
    this.#to = to
  }

  /** Rejects with SealedError `withheld` where the relay shows less, `pruned` where it keeps it no longer, `relay-fault` where it refuses. */
  start(): Promise<Entry[]> {
    const request = this.#ports.nextRequest()
    const answer = new Promise<Entry[]>((resolve, reject) => {
      this.#waiting = { request, resolve, reject }
    })
    const channel = this.#ports.channel()
    this.#ports.send([{ type: 'read', channel, request, after: this.#after, to: this.#to }])
    return answer
  }

  takes(message: Down): boolean {
    const waiting = this.#waiting
    if (waiting === undefined) return false
    if (message.type === 'entries') return this.#take(message)
    if (!('request' in message) || message.request !== waiting.request) return false
    if (message.type === 'caught-up') this.#caughtUp(message, waiting)
    else if (message.type === 'refused' && message.code === 'pruned') {
      this.stop(new SealedError('pruned', 'the relay does not keep that part of the log any more', 'history'))
    } else if (message.type === 'refused') {
      this.stop(new SealedError('relay-fault', `the relay refuses to show its log: ${message.code}`, 'history'))
    } else return false
    return true
  }

  stop(error: SealedError): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(error)
  }

  #take({ first, entries }: Entries): boolean {
    const last = first + entries.length - 1
    if (first !== this.#through + 1 || last > this.#to) return false
    this.#through = last
    for (const entry of entries) {
      this.#bytes += entry.envelope.length + entry.proof.length + ENTRY_COST_BYTES
      this.#isFull ||= this.#bytes > MAX_ANSWER_BYTES
      if (!this.#isFull) this.#entries.push(entry)
    }
    return true
  }

  #caughtUp({ sequence }: CaughtUp, waiting: Waiting): void {
    if (this.#through < this.#to) {
      const shown = `the relay shows the log through ${Math.min(sequence, this.#through)} where it went on to ${this.#to}`
      this.stop(new SealedError('withheld', shown, 'history'))
      return
    }
    this.#waiting = undefined
    waiting.resolve(this.#entries)
  }
}
