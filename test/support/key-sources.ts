import { type KeyAnswer, KeyError, type KeySource } from 'y-sealed'

/** A source that has lost some keys: what it answers for these hints is 404. */
export function forgetting(keys: KeySource, lost: ReadonlySet<string>): KeySource {
  return async (request, options) => {
    if (request.keyHint !== null && lost.has(request.keyHint)) {
      throw new KeyError('key-unknown', 'the endpoint does not know this hint')
    }
    return keys(request, options)
  }
}

/** A source that keeps no epoch records, and says nothing of keys that are retired. */
export function withoutRecords(keys: KeySource): KeySource {
  return async (request, options) => {
    const { record: _, ...asked } = request
    const { record: __, active: ___, ...answer } = (await keys(asked, options)) as KeyAnswer
    return answer
  }
}

/** A source that says of every key whether it is in use as `isActive` does. */
export function withActive(keys: KeySource, isActive: (keyHint: string | null | undefined) => boolean): KeySource {
  return async (request, options) => {
    const answer = (await keys(request, options)) as KeyAnswer
    return { ...answer, active: isActive(answer.keyHint) }
  }
}
