import { ContractError, parseKeyAnswer } from './contract.ts'
import { KeyError } from './key-error.ts'
import type { KeySource } from './key-source.ts'

/**
 * One key for every epoch-opening of a document, without an endpoint. It cannot rotate and knows one hint only.
 * @throws KeyError `key-invalid`
 */
export function staticKey(key: string, keyHint = ''): KeySource {
  try {
    parseKeyAnswer({ key, keyHint })
  } catch (error) {
    if (error instanceof ContractError)
      throw new KeyError('key-invalid', `staticKey: ${error.message}`, { fault: 'caller' })
    throw error
  }
  return (request) => {
    if (request.keyHint !== null && request.keyHint !== keyHint) {
      throw new KeyError('key-unknown', 'the document was sealed under another hint than the static key has')
    }
    return { key, keyHint }
  }
}
