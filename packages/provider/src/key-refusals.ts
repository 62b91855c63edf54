import { KeyError, type KeySource } from '@y-sealed/key-client'

/** HTTP: nobody has said who asks; who that is may well have the key. */
const SIGNED_OUT = 401

/** A key source that tells when it refuses somebody a key; where it says no more than that, it means it. */
export function tellRefusals(source: KeySource, onRefused: (keyHint: string) => void): KeySource {
  return async (request, options) => {
    try {
      return await source(request, options)
    } catch (error) {
      const isRefusal = error instanceof KeyError && error.code === 'key-refused' && error.status !== SIGNED_OUT
      if (isRefusal && request.keyHint !== null) onRefused(request.keyHint)
      throw error
    }
  }
}
