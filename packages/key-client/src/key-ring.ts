import { type DocumentKey, parseDocumentKey } from '@y-sealed/envelope'
import { createBackOff } from './back-off.ts'
import { type Clock, systemClock } from './clock.ts'
import { ContractError, type KeyRequest, parseDocumentId, parseKeyAnswer, parseKeyRequest } from './contract.ts'
import { withDeadline } from './deadline.ts'
import { KeyError } from './key-error.ts'
import type { KeySource } from './key-source.ts'
import { refuseUnknownOptions } from './known-options.ts'
import { createRefusals } from './refusals.ts'
import { MAX_SOURCE_TIMEOUT_MS } from './source-timeout.ts'

/** How often a new key is asked for under its hint before the endpoint is held broken; more than one for a slow replica. */
const CONFIRM_TRIES = 3

export interface ParsedAnswer {
  readonly key: DocumentKey
  /** The hint that counts: the one asked with, or the one answered to null, where a missing hint is `""`. */
  readonly keyHint: string
  readonly epoch?: number
  readonly active: boolean
  /** Missing: the endpoint keeps no record hashes. Null: it does, and has none for this hint yet. */
  readonly record?: string | null
}

export interface AskExtra {
  /** With null: the hint to leave. */
  readonly after?: string
  /** With a hint: base64url of the recordHash that stands for it. Left out until an answer has shown that the source keeps such. */
  readonly record?: string
}

export interface KeyRing {
  /**
   * Asks the source once. Calls with the same question share one flight; after `key-unavailable` the next call waits for
   * the back-off first; `key-refused` and `key-unknown` are remembered for 30 s. Never cached: an answer also says
   * whether the key is still active. Rejects with a KeyError only.
   */
  ask(keyHint: string | null, extra?: AskExtra): Promise<ParsedAnswer>
  /**
   * The key to open an epoch with: asks with null, then with the hint that came, up to 3 times. Unless the same key comes
   * back: `key-invalid` (protocol §5): a document sealed under a key that cannot be had again would be lost.
   */
  confirmNew(extra?: Pick<AskExtra, 'after'>): Promise<ParsedAnswer>
  /** Gives up what is in flight or waiting and forgets refusals and back-off. Leaves no timer; the ring stays usable. */
  forget(): void
}

export interface KeyRingOptions {
  readonly source: KeySource
  readonly documentId: string
  readonly clock?: Clock
  /** 0 to 1, for the jitter. */
  readonly random?: () => number
}

const OPTION_NAMES = ['source', 'documentId', 'clock', 'random'] as const satisfies (keyof KeyRingOptions)[]

/**
 * Asks one source for the keys of one document. It keeps no key itself.
 * @throws KeyError `key-missing` without a source; TypeError for a documentId the contract does not allow
 */
export function createKeyRing(options: KeyRingOptions): KeyRing {
  refuseUnknownOptions('createKeyRing', options, OPTION_NAMES)
  const { source, documentId, clock = systemClock, random = Math.random } = options
  if (typeof source !== 'function') throw new KeyError('key-missing', 'no key source was given')
  checkDocumentId(documentId)

  const flights = new Map<string, Promise<ParsedAnswer>>()
  const refusals = createRefusals(clock)
  let backOff = createBackOff(clock, random)
  let life = new AbortController()
  let keepsRecords = false

  async function ask(keyHint: string | null, extra: AskExtra = {}): Promise<ParsedAnswer> {
    const parsed = parseRequest({ ...extra, documentId, keyHint })
    const request = keepsRecords ? parsed : withoutRecord(parsed)
    const refusal = refusals.find(JSON.stringify(request))
    if (refusal) throw refusal
    return fly(request)
  }

  function fly(request: KeyRequest): Promise<ParsedAnswer> {
    const question = JSON.stringify(request)
    const flying = flights.get(question)
    if (flying) return flying
    const flight = attempt(request, question).finally(() => {
      if (flights.get(question) === flight) flights.delete(question)
    })
    flights.set(question, flight)
    return flight
  }

  async function attempt(request: KeyRequest, question: string): Promise<ParsedAnswer> {
    // Those of the life this question was asked in: after forget() it must not touch the next one's.
    const { signal } = life
    const waiting = backOff
    await waiting.wait(signal)
    try {
      const deadline = { clock, timeoutMs: MAX_SOURCE_TIMEOUT_MS, signal }
      const answer = await withDeadline((signal) => source(request, { signal }), deadline)
      const parsed = parseAnswer(request.keyHint, answer)
      if (parsed.record !== undefined) keepsRecords = true
      waiting.succeeded()
      return parsed
    } catch (thrown) {
      const error = keyErrorOf(thrown)
      if (error.code === 'key-unavailable') waiting.failed(error.retryAfterMs)
      else waiting.succeeded()
      if (!signal.aborted) refusals.remember(question, error)
      throw error
    }
  }

  async function confirmNew(extra: Pick<AskExtra, 'after'> = {}): Promise<ParsedAnswer> {
    const { signal } = life
    const fresh = await ask(null, extra)
    const pauses = createBackOff(clock, random)
    for (let tries = 0; tries < CONFIRM_TRIES; tries++) {
      await pauses.wait(signal)
      if (await isAnsweredAgain(fresh)) return fresh
      pauses.failed()
    }
    throw new KeyError('key-invalid', 'the key source does not answer the same key again for the hint it gave')
  }

  /** Past the negative cache, since a replica may learn of the hint within the tries. Some say 403 for a hint that they lack. */
  async function isAnsweredAgain({ key, keyHint }: ParsedAnswer): Promise<boolean> {
    try {
      return (await fly({ documentId, keyHint })).key === key
    } catch (error) {
      if (error instanceof KeyError && (error.code === 'key-unknown' || error.code === 'key-refused')) return false
      throw error
    }
  }

  function forget(): void {
    life.abort()
    life = new AbortController()
    backOff = createBackOff(clock, random)
    flights.clear()
    refusals.clear()
  }

  return { ask, confirmNew, forget }
}

function checkDocumentId(documentId: unknown): void {
  try {
    parseDocumentId(documentId)
  } catch (error) {
    throw error instanceof ContractError ? new TypeError(error.message) : error
  }
}

/** Before anything is asked: the hint comes from a relay that is not trusted. */
function parseRequest(members: unknown): KeyRequest {
  try {
    return parseKeyRequest(members)
  } catch (error) {
    throw keyErrorOf(error)
  }
}

/** A source of the plain contract may refuse a member it does not know, and by another status than 400 (protocol §5). */
function withoutRecord({ record: _, ...request }: KeyRequest): KeyRequest {
  return request
}

function parseAnswer(asked: string | null, answer: unknown): ParsedAnswer {
  const { key, keyHint = '', active = true, ...rest } = parseKeyAnswer(answer)
  return { ...rest, key: parseDocumentKey(key), keyHint: asked ?? keyHint, active }
}

function keyErrorOf(thrown: unknown): KeyError {
  if (thrown instanceof KeyError) return thrown
  if (thrown instanceof ContractError) return new KeyError('key-invalid', thrown.message)
  // A source's own error may quote what it received; its words stay with the source.
  return new KeyError('key-unavailable', 'the key source failed', { fault: 'caller' })
}
