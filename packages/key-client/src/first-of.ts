import { KeyError, type KeyErrorCode } from './key-error.ts'
import type { KeySource } from './key-source.ts'

/** Where none answered, the reason that leaves most hope: one that is down may yet have the key. */
const BY_HOPE: readonly KeyErrorCode[] = [
  'key-unavailable',
  'key-refused',
  'key-invalid',
  'key-weak',
  'key-unknown',
  'key-missing',
]

/**
 * The first of several sources that answers, asked one after the other. For a hint any of them may know the key. For null only one that
 * has no key at all (`key-missing`) is passed over: an endpoint that is down or refuses must not have a document begun under
 * another's key.
 * @throws TypeError without a source
 */
export function firstOf(sources: readonly KeySource[]): KeySource {
  if (sources.length === 0 || sources.some((source) => typeof source !== 'function')) {
    throw new TypeError('firstOf: expected a list of key sources')
  }
  const first: KeySource = async (request, options) => {
    const failures: KeyError[] = []
    for (const source of sources) {
      try {
        return await source(request, options)
      } catch (error) {
        const failure = failureOf(error)
        if (options?.signal?.aborted || (request.keyHint === null && failure.code !== 'key-missing')) throw failure
        failures.push(failure)
      }
    }
    throw failures.sort((one, other) => BY_HOPE.indexOf(one.code) - BY_HOPE.indexOf(other.code))[0]
  }
  const origin = sources.find((source) => source.origin !== undefined)?.origin
  return origin === undefined ? first : Object.assign(first, { origin })
}

function failureOf(error: unknown): KeyError {
  // A source's own error may quote what it received; its words stay with the source.
  return error instanceof KeyError ? error : new KeyError('key-unavailable', 'a key source failed', { fault: 'caller' })
}
