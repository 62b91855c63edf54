import { EnvelopeError } from '@y-sealed/envelope'
import { type Clock, KeyError, type KeyRing } from '@y-sealed/key-client'
import type { Problems } from '../problems.ts'
import { type ProblemCode, SealedError } from '../sealed-error.ts'
import { adoptEpoch, type Epoch, mintEpochZero } from './epoch.ts'

/** A key that is refused, unknown or wrong may be mended by a person: asked again after this, then less and less often. */
const FIRST_RECHECK_MS = 30_000
const MAX_RECHECK_MS = 300_000
/** A key that does not fit its record is asked for once more at once: the endpoint may just have been changing it. */
const MISMATCH_RETRIES = 1

export interface KeyDeskPorts {
  readonly ring: KeyRing
  readonly clock: Clock
  readonly problems: Problems
  readonly documentId: string
  readonly refuseWeakKeys: boolean
  /** Keys are wanting for good, or for now. */
  onLocked(error: SealedError): void
  /** `key-match`: a key that did not fit its record does now. */
  onMatch(): void
}

/** Goes on asking until it has the keys of an epoch, or until `stop()`: what it says in between are problems. */
export class KeyDesk {
  readonly #ports: KeyDeskPorts
  #life = 0
  #timer: unknown
  #wake: (() => void) | undefined

  constructor(ports: KeyDeskPorts) {
    this.#ports = ports
  }

  /** The epoch of a record that the relay shows; undefined if stopped meanwhile. */
  adopt(record: Uint8Array): Promise<Epoch | undefined> {
    const { ring, documentId } = this.#ports
    return this.#persist(() => adoptEpoch(record, ring, documentId))
  }

  /** A new epoch 0; undefined if stopped meanwhile. */
  async mint(): Promise<Epoch | undefined> {
    const { ring, documentId, refuseWeakKeys, problems } = this.#ports
    const minted = await this.#persist(async () => {
      const fresh = await mintEpochZero(ring, documentId)
      if (!fresh.weak || !refuseWeakKeys) return fresh
      fresh.epoch.keys.forget()
      throw new SealedError('key-weak', 'the key can be guessed, and weakKeys is "refuse"', 'keys')
    })
    if (minted?.weak)
      problems.raise('key-weak', 'the key can be guessed: it was stretched, which only makes guessing slower', 'keys')
    return minted?.epoch
  }

  /** Somebody asks to connect again: do not wait for the next recheck. */
  hurry(): void {
    if (this.#wake === undefined) return
    this.#ports.ring.forget()
    this.#wake()
  }

  stop(): void {
    this.#life++
    this.#wake?.()
  }

  destroy(): void {
    this.stop()
    this.#ports.ring.forget()
  }

  async #persist<Result>(attempt: () => Promise<Result>): Promise<Result | undefined> {
    const life = ++this.#life
    const { problems } = this.#ports
    let mismatches = 0
    for (let waitMs = FIRST_RECHECK_MS; ; ) {
      try {
        const result = await attempt()
        if (life !== this.#life) return undefined
        for (const code of ['key-unavailable', 'key-refused', 'key-unknown', 'key-invalid'] as const)
          problems.recover(code)
        if (problems.recover('key-mismatch')) this.#ports.onMatch()
        return result
      } catch (error) {
        if (life !== this.#life) return undefined
        const { code, message } = factsOf(error)
        if (code === 'key-mismatch' && mismatches++ < MISMATCH_RETRIES) continue
        this.#ports.onLocked(problems.raise(code, message, 'keys'))
        // The ring itself waits before it asks an endpoint again that could not be reached.
        if (code === 'key-unavailable') continue
        await this.#wait(waitMs)
        waitMs = Math.min(MAX_RECHECK_MS, waitMs * 2)
        if (life !== this.#life) return undefined
      }
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#ports.clock.clearTimeout(this.#timer)
        this.#wake = undefined
        resolve()
      }
      this.#timer = this.#ports.clock.setTimeout(this.#wake, ms)
    })
  }
}

function factsOf(error: unknown): { code: ProblemCode; message: string } {
  if (error instanceof SealedError || error instanceof KeyError) return error
  if (error instanceof EnvelopeError) {
    if (error.code === 'malformed') {
      return {
        code: 'relay-fault',
        message: `the relay shows an epoch record that is not well-formed: ${error.message}`,
      }
    }
    const code = error.code === 'key-invalid' || error.code === 'unsupported' ? error.code : 'internal'
    return { code, message: error.message }
  }
  // The words of an unknown error may quote a key.
  return {
    code: 'internal',
    message: `asking for the key failed (${error instanceof Error ? error.name : typeof error})`,
  }
}
