import { EnvelopeError, type EpochKeys } from '@y-sealed/envelope'
import { type Clock, hintLeak, KeyError, type KeyRing } from '@y-sealed/key-client'
import type { Problems } from '../problems.ts'
import { type ProblemCode, SealedError } from '../sealed-error.ts'
import type { ChainedEpoch } from './chained-epoch.ts'
import {
  type Adopted,
  adoptEpoch,
  askFreshKey,
  base64url,
  createEpoch,
  deriveNewKeys,
  type Epoch,
  type FreshKey,
  isKeyOf,
} from './epoch.ts'

/** A key that is refused, unknown or wrong may be mended by a person: asked again after this, then less and less often. */
const FIRST_RECHECK_MS = 30_000
const MAX_RECHECK_MS = 300_000
/** With these the epoch stays shut, and only that epoch. */
const LOCKING: readonly ProblemCode[] = ['key-refused', 'key-unknown', 'key-invalid', 'key-mismatch']
/** Each record that a relay shows names a hint to ask for: so many that come to nothing are asked for within a minute. */
const MAX_VAIN_ASKS = 8
const MINUTE_MS = 60_000
/** The endpoint and the relay tell of different epochs. */
const CONTRADICTIONS: readonly ProblemCode[] = ['rollback', 'fork']
/** An epoch that was opened a moment ago is on its way: only after this does the relay hide it. */
const HIDDEN_MS = 5_000
/** A key that does not fit its record is asked for once more at once: the endpoint may just have been changing it. */
const MISMATCH_RETRIES = 1

/**
 * How the provider stands with its keys. `missing`: it was given no source. `none`: it has not asked yet. `asking`: nothing has gone wrong so far. `unavailable`: the source cannot be
 * reached, and is asked again. `locked`: what it answers opens nothing; a person has to act. `here`: documents are read and written. `retired`: they
 * are read, and edits wait for the next epoch.
 */
export type KeyStanding = 'missing' | 'none' | 'asking' | 'unavailable' | 'locked' | 'here' | 'retired'

export interface KeyDeskPorts {
  readonly ring: KeyRing
  readonly clock: Clock
  readonly problems: Problems
  readonly documentId: string
  readonly refuseWeakKeys: boolean
  /** Keys are wanting for good, or for now. */
  onLocked(error: SealedError): void
  /** `isAsking` or `standing` has changed. */
  onStanding(): void
  /** `key-match`: a key that did not fit its record does now. */
  onMatch(): void
}

export interface AdoptOptions {
  /** A later epoch is known, which holds all that this one does. */
  readonly isDispensable?: boolean
  /** The relay shows none after it. */
  readonly isNewest?: boolean
  /** A person has decided to follow what the relay shows. */
  readonly isTrusted?: boolean
}

/** Goes on asking until it has the keys of an epoch, or until `stop()`: what it says in between are problems. */
export class KeyDesk {
  readonly #ports: KeyDeskPorts
  #life = 0
  #timer: unknown
  #wake: (() => void) | undefined
  #standing: SealedError | undefined
  #isAsking = false
  #hasKeys = false
  /** When the newest were asked for in vain. */
  #vain: number[] = []

  constructor(ports: KeyDeskPorts) {
    this.#ports = ports
  }

  /**
   * The epoch of a record that the relay shows; undefined if stopped meanwhile. Where the document can do without it, a key that is refused or
   * unknown is not waited for: `locked`. A SealedError `rollback` or `fork` says that the endpoint knows of another epoch: no more keys will help.
   */
  adopt(
    chained: ChainedEpoch,
    previousKeys: EpochKeys | undefined,
    { isDispensable = false, isNewest = false, isTrusted = false }: AdoptOptions,
  ): Promise<Adopted | 'locked' | SealedError | undefined> {
    const { ring, documentId, refuseWeakKeys } = this.#ports
    return this.#persist(async () => {
      try {
        if (refuseWeakKeys && chained.parsed.stretch === 1) throw refusedWeakKey()
        const adopted = await adoptEpoch(chained, ring, documentId, previousKeys)
        if (isNewest && !isTrusted && !adopted.state.active) await this.#refuseHidden(adopted)
        return adopted
      } catch (error) {
        if (error instanceof SealedError && CONTRADICTIONS.includes(error.code)) return error
        if (isDispensable && LOCKING.includes(factsOf(error).code)) {
          this.#noteVain()
          return 'locked'
        }
        throw error
      }
    })
  }

  /** The same, asked once, without waiting. Throws KeyError, SealedError, EnvelopeError. */
  adoptOnce(chained: ChainedEpoch, previousKeys: EpochKeys | undefined): Promise<Adopted> {
    const { ring, documentId } = this.#ports
    return adoptEpoch(chained, ring, documentId, previousKeys)
  }

  /**
   * The first epoch of a document, or of a relay that has none of it any more: that one is to follow `last`. Undefined if stopped meanwhile.
   */
  async mint(last?: Epoch): Promise<Adopted | SealedError | undefined> {
    const { documentId } = this.#ports
    return this.#persist(async () => {
      const fresh = await this.askFresh(last?.keyHint)
      if (typeof fresh.state.record === 'string') {
        await this.#wait(HIDDEN_MS)
        return new SealedError('rollback', 'the relay shows no epoch, but the endpoint knows of one', 'keys')
      }
      if (last !== undefined && (fresh.keyHint === last.keyHint || (await isKeyOf(fresh.key, last, documentId)))) {
        throw new SealedError('rotation-unsupported', 'the key source gave the key that was used before', 'keys')
      }
      const keys = await deriveNewKeys(fresh, documentId)
      const epoch = await createEpoch(keys, fresh, last === undefined ? { index: 0 } : startOver(last))
      return { epoch, state: fresh.state }
    })
  }

  /** A key for a new epoch, asked for once. `after`: the hint to leave. Throws KeyError, SealedError `key-weak`. */
  async askFresh(after?: string): Promise<FreshKey> {
    const { ring, refuseWeakKeys, problems } = this.#ports
    const fresh = await askFreshKey(ring, after)
    if (fresh.weak && refuseWeakKeys) throw refusedWeakKey()
    const leak = hintLeak(fresh.keyHint, fresh.key)
    if (leak === 'the key itself') {
      throw new SealedError('key-invalid', 'the key hint, which the relay stores in clear, has the key in it', 'keys')
    }
    const warnings = [
      ...(fresh.weak ? ['the key can be guessed: it was stretched, which only makes guessing slower'] : []),
      ...(leak === undefined ? [] : [`the key hint looks like ${leak}, and the relay stores it in clear`]),
    ]
    if (warnings.length > 0) problems.raise('key-weak', warnings.join('; '), 'keys')
    return fresh
  }

  /** Somebody asks to connect again: do not wait for the next recheck. */
  hurry(): void {
    // What else is waited for (a record that is on its way) does not come sooner for being hurried.
    if (this.#wake === undefined || this.#standing === undefined) return
    this.#ports.ring.forget()
    this.#wake()
  }

  stop(): void {
    this.#life++
    this.#stands(false)
    this.#wake?.()
  }

  /** Keys are asked for and have not come yet. */
  get isAsking(): boolean {
    return this.#isAsking
  }

  /** Those of some epoch have come. */
  get hasKeys(): boolean {
    return this.#hasKeys
  }

  /** Why the keys that are asked for have not come yet; undefined while nothing has gone wrong. */
  get standing(): SealedError | undefined {
    return this.#standing
  }

  destroy(): void {
    this.stop()
    this.#ports.ring.forget()
  }

  /**
   * A key that is retired, and whose endpoint keeps records: if it knows of the epoch that came after, the relay hides that one, and a removed
   * member may have written what it shows instead (protocol §5).
   */
  async #refuseHidden({ epoch, state }: Adopted): Promise<void> {
    if (state.record === undefined) return
    const newer = await this.#ports.ring.ask(null).catch(() => undefined)
    // One that answers with the retired key itself contradicts itself, not the relay.
    if (typeof newer?.record !== 'string' || newer.record === base64url(epoch.hash)) return
    await this.#wait(HIDDEN_MS)
    epoch.keys.forget()
    throw new SealedError('rollback', 'the endpoint knows of an epoch that the relay does not show', 'keys')
  }

  async #persist<Result>(attempt: () => Promise<Result>): Promise<Result | undefined> {
    // Whoever asked before is overtaken, and must not sleep on.
    this.stop()
    const life = this.#life
    this.#stands(true)
    const { problems } = this.#ports
    let mismatches = 0
    for (let waitMs = FIRST_RECHECK_MS; ; ) {
      try {
        await this.#restrain()
        if (life !== this.#life) return undefined
        const result = await attempt()
        if (life !== this.#life) return undefined
        this.#hasKeys ||= result !== 'locked' && !(result instanceof SealedError)
        this.#stands(false)
        for (const code of ['key-unavailable', 'key-refused', 'key-unknown', 'key-invalid'] as const)
          problems.recover(code)
        if (problems.recover('key-mismatch')) this.#ports.onMatch()
        return result
      } catch (error) {
        if (life !== this.#life) return undefined
        const { code, message } = factsOf(error)
        if (LOCKING.includes(code)) this.#noteVain()
        if (code === 'key-mismatch' && mismatches++ < MISMATCH_RETRIES) continue
        const standing = problems.raise(code, message, 'keys')
        this.#stands(true, standing)
        this.#ports.onLocked(standing)
        // The ring itself waits before it asks an endpoint again that could not be reached.
        if (code === 'key-unavailable') continue
        await this.#wait(waitMs)
        waitMs = Math.min(MAX_RECHECK_MS, waitMs * 2)
        if (life !== this.#life) return undefined
      }
    }
  }

  #stands(isAsking: boolean, standing?: SealedError): void {
    this.#isAsking = isAsking
    this.#standing = standing
    this.#ports.onStanding()
  }

  #noteVain(): void {
    this.#vain = [...this.#vain, this.#ports.clock.now()].slice(-MAX_VAIN_ASKS)
  }

  /** Waits while too much was asked in vain. */
  async #restrain(): Promise<void> {
    const [oldest] = this.#vain
    if (oldest === undefined || this.#vain.length < MAX_VAIN_ASKS) return
    const leftMs = oldest + MINUTE_MS - this.#ports.clock.now()
    if (leftMs > 0) await this.#wait(leftMs)
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

const refusedWeakKey = () => new SealedError('key-weak', 'the key can be guessed, and weakKeys is "refuse"', 'keys')

/** A relay that has nothing begins at sequence 0; the record still names what went before (protocol §6 "Rollback"). */
const startOver = (last: Epoch) => ({
  index: last.index + 1,
  prevRecord: last.hash,
  previousKeys: last.keys,
  prevSequence: 0,
  prevHash: new Uint8Array(32),
  prevCheckpoint: last.parsed.checkpoint,
})

/** What went wrong in asking for a key, in words that quote nothing of it. */
export function factsOf(error: unknown): { code: ProblemCode; message: string } {
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
