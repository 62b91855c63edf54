import { type Checkpoint, type Down, MAX_CHECKPOINT_CHUNKS, type Refused, type Up } from '@y-sealed/protocol'
import { SealedError } from '../sealed-error.ts'
import { MAX_CHECKPOINT_BYTES } from './checkpoint-limits.ts'

export interface CheckpointFetchPorts {
  channel(): number
  nextRequest(): number
  send(messages: Up[]): void
}

interface Waiting {
  readonly request: number
  resolve(chunks: Uint8Array[]): void
  reject(error: SealedError): void
}

/**
 * Fetches the chunks of a checkpoint. Whether they are the ones that its hash names is for `openCheckpoint` to say: here
 * they are only counted and bounded.
 */
export class CheckpointFetch {
  /** How many chunks the whole checkpoint has; undefined until the relay has said so. */
  total: number | undefined
  readonly #ports: CheckpointFetchPorts
  readonly #checkpoint: Uint8Array
  readonly #last: number
  #chunks: Uint8Array[] = []
  #bytes = 0
  #waiting: Waiting | undefined

  /** `checkpoint`: its hash. `last`: the last chunk wanted; 0 = all of them. */
  constructor(ports: CheckpointFetchPorts, checkpoint: Uint8Array, last = 0) {
    this.#ports = ports
    this.#checkpoint = checkpoint
    this.#last = last
  }

  /**
   * The chunks in order. Rejects with SealedError `withheld` where the relay does not have them, `relay-fault` where its answer does not fit,
   * `interrupted` after `stop()`. After that one it may be called again, on another connection too: what has come is not asked for twice.
   */
  start(): Promise<Uint8Array[]> {
    const request = this.#ports.nextRequest()
    const answer = new Promise<Uint8Array[]>((resolve, reject) => {
      this.#waiting = { request, resolve, reject }
    })
    const first = this.#chunks.length + 1
    const channel = this.#ports.channel()
    this.#ports.send([{ type: 'fetch', channel, request, checkpoint: this.#checkpoint, first, last: this.#last }])
    return answer
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined
  }

  /** True if the message answered this fetch. */
  takes(message: Down): boolean {
    const waiting = this.#waiting
    if (waiting === undefined || !('request' in message) || message.request !== waiting.request) return false
    if (message.type === 'checkpoint') this.#take(message, waiting)
    else if (message.type === 'refused') this.#refused(message)
    else return false
    return true
  }

  /** The session ends: what is under way is rejected. */
  stop(error = new SealedError('interrupted', 'the session ended before the checkpoint had come', 'checkpoint')): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(error)
  }

  #take(message: Checkpoint, waiting: Waiting): void {
    const fault = this.#faultOf(message)
    if (fault !== undefined) {
      this.#fail('relay-fault', fault)
      return
    }
    this.total = message.total
    for (const chunk of message.chunks) {
      this.#chunks.push(chunk)
      this.#bytes += chunk.length
    }
    if (this.#chunks.length < this.#end(message.total)) return
    this.#waiting = undefined
    waiting.resolve(this.#chunks)
  }

  #faultOf({ first, total, chunks }: Checkpoint): string | undefined {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, this.#bytes)
    if (total > MAX_CHECKPOINT_CHUNKS || bytes > MAX_CHECKPOINT_BYTES) return 'the checkpoint is over the limits'
    if (this.total !== undefined && total !== this.total) return 'the number of chunks has changed in mid-fetch'
    const count = this.#chunks.length
    if (first !== count + 1 || chunks.length === 0 || count + chunks.length > this.#end(total)) {
      return `the relay answers with ${chunks.length} chunks from ${first} of ${total}, where ${count + 1} is next`
    }
    return undefined
  }

  #end(total: number): number {
    return this.#last === 0 ? total : Math.min(this.#last, total)
  }

  #refused({ code }: Refused): void {
    if (code === 'unknown') this.#fail('withheld', 'the relay does not have a checkpoint')
    else this.#fail('relay-fault', `the relay refuses to show a checkpoint: ${code}`)
  }

  #fail(code: 'withheld' | 'relay-fault', message: string): void {
    // What a relay that does not keep to the protocol has sent is not built on.
    this.#chunks = []
    this.#bytes = 0
    this.total = undefined
    this.stop(new SealedError(code, message, 'checkpoint'))
  }
}
