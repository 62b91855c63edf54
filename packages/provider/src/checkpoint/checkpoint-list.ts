import type { Down, Place, Up } from '@y-sealed/protocol'
import type { Question } from '../history/question.ts'
import { SealedError } from '../sealed-error.ts'

export interface CheckpointListPorts {
  channel(): number
  nextRequest(): number
  send(messages: Up[]): void
}

/** Which checkpoints of an epoch the relay keeps, by the place in the log that they cover. */
export class CheckpointList implements Question<readonly Place[]> {
  readonly #ports: CheckpointListPorts
  readonly #recordHash: Uint8Array
  #waiting: { request: number; resolve(places: Place[]): void; reject(error: SealedError): void } | undefined

  constructor(ports: CheckpointListPorts, recordHash: Uint8Array) {
    this.#ports = ports
    this.#recordHash = recordHash
  }

  /** None where the relay knows no such epoch. Rejects with SealedError `relay-fault` where it refuses. */
  start(): Promise<readonly Place[]> {
    const request = this.#ports.nextRequest()
    const answer = new Promise<readonly Place[]>((resolve, reject) => {
      this.#waiting = { request, resolve, reject }
    })
    this.#ports.send([{ type: 'checkpoints', channel: this.#ports.channel(), request, record: this.#recordHash }])
    return answer
  }

  takes(message: Down): boolean {
    const waiting = this.#waiting
    if (waiting === undefined || !('request' in message) || message.request !== waiting.request) return false
    if (message.type === 'checkpoints') waiting.resolve(message.places)
    else if (message.type === 'refused' && message.code === 'unknown') waiting.resolve([])
    else if (message.type === 'refused') {
      this.stop(new SealedError('relay-fault', `the relay refuses to list checkpoints: ${message.code}`, 'checkpoint'))
      return true
    } else return false
    this.#waiting = undefined
    return true
  }

  stop(error: SealedError): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(error)
  }
}
