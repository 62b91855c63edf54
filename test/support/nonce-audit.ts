import { createHash } from 'node:crypto'
import { parseHeader } from '@y-sealed/protocol/header'

/**
 * Watches envelopes and finds nonces that were used twice: the same document, epoch, salt, kind and counter with other
 * bytes. The same bytes again are a resend and are fine. Every scenario hands it what the relay saw.
 *
 * Whether a checkpoint chunk is final is in its nonce but not in its header; two chunks that differ in that alone are
 * reported too, because no sealer makes them.
 */
export class NonceAudit {
  readonly #hashByNonce = new Map<string, string>()
  readonly #repeated = new Set<string>()

  observe(document: string, envelope: Uint8Array): void {
    const { kind, epochIndex, salt, counter } = parseHeader(envelope)
    const nonce = JSON.stringify([document, epochIndex, Buffer.from(salt).toString('hex'), kind, counter])
    const hash = createHash('sha256').update(envelope).digest('base64')
    const first = this.#hashByNonce.get(nonce)
    if (first === undefined) this.#hashByNonce.set(nonce, hash)
    else if (first !== hash) this.#repeated.add(nonce)
  }

  /** The nonces under which two different envelopes were seen: `[document, epoch index, salt, kind, counter]` as JSON. */
  get repeated(): string[] {
    return [...this.#repeated]
  }

  /** How many different nonces were seen. */
  get observed(): number {
    return this.#hashByNonce.size
  }

  assertClean(): void {
    if (this.#repeated.size > 0) {
      throw new Error(`${this.#repeated.size} of ${this.observed} nonces repeated, first: ${this.repeated[0]}`)
    }
  }
}
