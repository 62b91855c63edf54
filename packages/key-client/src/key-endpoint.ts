import { readAnswerBody } from './answer-body.ts'
import { systemClock } from './clock.ts'
import type { KeyRequest } from './contract.ts'
import { withDeadline } from './deadline.ts'
import { refusalOf } from './endpoint-status.ts'
import { parseEndpointUrl } from './endpoint-url.ts'
import { KeyError } from './key-error.ts'
import type { KeySource } from './key-source.ts'
import { refuseUnknownOptions } from './known-options.ts'
import { MAX_SOURCE_TIMEOUT_MS } from './source-timeout.ts'

/** People wait for it before they can read; a healthy endpoint needs a hundredth. */
const DEFAULT_TIMEOUT_MS = 10_000

export interface KeyEndpointOptions {
  /** Sent with each request, such as an access token; a function is called for each request. */
  readonly headers?: HeadersInit | (() => HeadersInit | PromiseLike<HeadersInit>)
  /** Default `omit`: an access token in `headers`, not a cookie, says who asks. */
  readonly credentials?: RequestCredentials
  /** 1 to 60,000, default 10,000; counts from the call of `headers` to the last byte of the answer. */
  readonly timeoutMs?: number
  readonly fetch?: typeof globalThis.fetch
}

const OPTION_NAMES = ['headers', 'credentials', 'timeoutMs', 'fetch'] as const satisfies (keyof KeyEndpointOptions)[]

/**
 * Keys from an HTTP endpoint: POST of a KeyRequest as JSON, answered by a KeyAnswer. Never follows a redirect, never
 * caches, sends no referrer.
 * @throws TypeError for a URL that is neither https nor loopback, or an unknown option
 */
export function keyEndpoint(url: string | URL, options: KeyEndpointOptions = {}): KeySource {
  refuseUnknownOptions('keyEndpoint', options, OPTION_NAMES)
  const endpoint = parseEndpointUrl(url)
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  if (!(timeoutMs >= 1 && timeoutMs <= MAX_SOURCE_TIMEOUT_MS)) {
    throw new RangeError(`keyEndpoint: timeoutMs must be from 1 to ${MAX_SOURCE_TIMEOUT_MS}; got ${String(timeoutMs)}`)
  }

  const source: KeySource = (request, { signal } = {}) =>
    withDeadline((deadline) => ask(endpoint, options, request, deadline), { clock: systemClock, timeoutMs, signal })
  return Object.assign(source, { origin: endpoint.origin })
}

async function ask(url: URL, options: KeyEndpointOptions, request: KeyRequest, signal: AbortSignal): Promise<unknown> {
  let response = await post(url, options, request, signal)
  if (response.status === 400 && (request.after !== undefined || request.record !== undefined)) {
    // An endpoint of the plain contract knows neither member and is asked what it does know (protocol §5).
    discard(response)
    response = await post(url, options, { documentId: request.documentId, keyHint: request.keyHint }, signal)
  }
  if (!response.ok) {
    discard(response)
    throw refusalOf(response, systemClock.now())
  }
  try {
    return await readAnswerBody(response)
  } catch (error) {
    throw error instanceof KeyError ? error : unreachable(error)
  }
}

async function post(
  url: URL,
  options: KeyEndpointOptions,
  request: KeyRequest,
  signal: AbortSignal,
): Promise<Response> {
  const headers = await requestHeaders(options.headers)
  // Called without a receiver, which browsers demand of their own fetch.
  const { fetch = globalThis.fetch, credentials = 'omit' } = options
  try {
    return await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(request),
      credentials,
      redirect: 'error',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal,
    })
  } catch (error) {
    throw unreachable(error)
  }
}

async function requestHeaders(given: KeyEndpointOptions['headers']): Promise<Headers> {
  try {
    const headers = new Headers(typeof given === 'function' ? await given() : given)
    headers.set('content-type', 'application/json')
    headers.set('accept', 'application/json')
    return headers
  } catch {
    // The platform's error quotes the header, which is an access token.
    throw new KeyError('key-unavailable', 'keyEndpoint: the option headers failed or gave no valid headers', {
      fault: 'caller',
    })
  }
}

function unreachable(error: unknown): KeyError {
  const cause = error instanceof Error ? error.cause : undefined
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  // Only a system error code such as ECONNREFUSED: the rest of the error may name anything.
  const reason = typeof code === 'string' && /^E[A-Z]{2,20}$/.test(code) ? code : 'network, CORS or a redirect'
  return new KeyError('key-unavailable', `the key endpoint could not be reached (${reason})`)
}

/** Frees the connection of an answer that nobody reads. */
function discard(response: Response): void {
  void response.body?.cancel().catch(() => {})
}
