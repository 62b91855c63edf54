import { KeyError } from './key-error.ts'

/** Longer wishes are cut: an endpoint must not lock an editor for a day by one header. */
const MAX_RETRY_AFTER_MS = 5 * 60_000

/** What a status other than 2xx means (design §5). The body is not looked at. */
export function refusalOf(response: Response, nowMs: number): KeyError {
  const { status } = response
  const said = `the key endpoint answered ${status}`
  if (status === 401 || status === 403) return new KeyError('key-refused', said, { status })
  // A web server answers alike for a path that it does not have.
  if (status === 404) return new KeyError('key-unknown', `${said}: it does not know the hint, or its URL is another`)
  if (status === 429 || status >= 500) {
    const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), nowMs)
    return new KeyError('key-unavailable', said, retryAfterMs === undefined ? {} : { retryAfterMs })
  }
  return new KeyError('key-invalid', said)
}

/** RFC 9110 §10.2.3: seconds or an HTTP date. */
function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  const delayMs = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), MAX_RETRY_AFTER_MS)
}
