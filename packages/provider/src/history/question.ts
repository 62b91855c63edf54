import type { Down } from '@y-sealed/protocol'
import type { SealedError } from '../sealed-error.ts'

/** Something that is asked of the relay. */
export interface Question<Answer> {
  start(): Promise<Answer>
  /** True if the message answered it. */
  takes(message: Down): boolean
  /** Rejects what `start()` gave. */
  stop(error: SealedError): void
}
