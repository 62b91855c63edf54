import type { KeyRequest } from './contract.ts'
import { KeyError } from './key-error.ts'
import type { KeySource } from './key-source.ts'

/** More documents and epochs than a page has open; an answer is at most 64 KiB and usually 200 B. */
const MAX_REMEMBERED = 1_000

/**
 * A source that answers from memory while the one behind it cannot be reached, so that a document that was open in this page can be opened again. It asks
 * each time: only `key-unavailable` is answered from memory, and only for a hint, never for null. A refusal is passed on, and forgets the key.
 * Nothing is written anywhere; give one such source to all providers of a page.
 */
export function rememberKeys(source: KeySource): KeySource {
  const answers = new Map<string, unknown>()
  const remembering: KeySource = async (request, options) => {
    const question = questionOf(request)
    try {
      const answer = await source(request, options)
      if (question !== undefined) remember(question, answer)
      return answer
    } catch (error) {
      if (question === undefined) throw error
      if (!(error instanceof KeyError) || error.code === 'key-unavailable') {
        if (answers.has(question) && options?.signal?.aborted !== true) return answers.get(question)
      } else if (error.code === 'key-refused' || error.code === 'key-unknown') answers.delete(question)
      throw error
    }
  }

  function remember(question: string, answer: unknown): void {
    answers.delete(question)
    answers.set(question, answer)
    for (const oldest of answers.keys()) if (answers.size > MAX_REMEMBERED) answers.delete(oldest)
  }

  return source.origin === undefined ? remembering : Object.assign(remembering, { origin: source.origin })
}

function questionOf({ documentId, keyHint }: KeyRequest): string | undefined {
  return keyHint === null ? undefined : JSON.stringify([documentId, keyHint])
}
