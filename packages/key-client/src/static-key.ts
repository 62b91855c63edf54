import { ContractError, type KeyAnswer, parseKeyAnswer } from './contract.ts'
import { KeyError } from './key-error.ts'
import type { KeySource } from './key-source.ts'

/**
 * One key for every epoch-opening of a document, without an endpoint. It cannot rotate and knows one hint only.
 * @param key text, used byte for byte, or 16 or 32 bytes, which are the key that their base64url is
 * @throws KeyError `key-invalid`
 */
export function staticKey(key: string | Uint8Array, keyHint = ''): KeySource {
  const answer = parse(key, keyHint)
  return (request) => {
    if (request.keyHint !== null && request.keyHint !== keyHint) {
      throw new KeyError('key-unknown', 'the document was sealed under another hint than the static key has')
    }
    return { key: answer.key, keyHint }
  }
}

function parse(key: unknown, keyHint: string): KeyAnswer {
  try {
    return parseKeyAnswer({ key, keyHint })
  } catch (error) {
    if (error instanceof ContractError)
      throw new KeyError('key-invalid', `staticKey: ${error.message}`, { fault: 'caller' })
    throw error
  }
}
