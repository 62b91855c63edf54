import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose'
import { isLoopbackHost } from './loopback.ts'

// A key set has a few keys of half a kB each; what is larger is something else.
const MAX_KEY_SET_BYTES = 256 * 1024

// A key that was taken out of the set is good for so long; as long as other verifiers keep theirs.
const MAX_AGE_MS = 10 * 60_000

// A token under a key that nobody knows makes the relay look again, but strangers must not make it ask more often.
const COOL_DOWN_MS = 30_000

// Joins wait for it: a set that does not come within that is a failure, and clients try again.
const TIMEOUT_MS = 5_000

// An issuer that is down is not asked by every join, as often as a stranger likes.
const AFTER_FAILURE_MS = 2_000

/**
 * The keys at a JWKS URL, fetched when they are first needed, again after ten minutes, and at once for a key that the set
 * lacks, at most every 30 s. https, or http on loopback: whoever can change the set on its way signs tokens. Throws TypeError.
 */
export function remoteKeys(jwksUrl: string): JWTVerifyGetKey {
  const url = URL.canParse(jwksUrl) ? new URL(jwksUrl) : undefined
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isLoopbackHost(url.hostname))) {
    throw new TypeError('jwksUrl: expected an https URL, or http on loopback')
  }
  let failedAtUnixMs = Number.NEGATIVE_INFINITY
  return createRemoteJWKSet(url, {
    cacheMaxAge: MAX_AGE_MS,
    cooldownDuration: COOL_DOWN_MS,
    timeoutDuration: TIMEOUT_MS,
    async [customFetch](address, options) {
      if (Date.now() - failedAtUnixMs < AFTER_FAILURE_MS) throw new errors.JOSEError('the key set could not be had')
      try {
        return await bounded(await fetch(address, options))
      } catch (error) {
        failedAtUnixMs = Date.now()
        throw error
      }
    },
  })
}

/** A good response, with a body that is known to be small. */
async function bounded(response: Response): Promise<Response> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop cancels the body: nothing more of it is read.
  for await (const piece of response.body ?? []) {
    bytes += piece.length
    if (bytes > MAX_KEY_SET_BYTES) throw new errors.JOSEError('the key set is too large')
    pieces.push(piece)
  }
  if (response.status !== 200) throw new errors.JOSEError(`the key set was answered with ${response.status}`)
  return new Response(Buffer.concat(pieces))
}
