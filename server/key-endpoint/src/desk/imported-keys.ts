import { parseDocumentId, parseKeyAnswer, parseKeyHint } from '@y-sealed/key-client/contract'
import type { KeyMadeElsewhere } from '../store/key-store.ts'

export interface ImportedKey extends KeyMadeElsewhere {
  readonly documentId: string
  /** base64url of the hash of the epoch that was opened with it. */
  readonly record: string | null
}

/**
 * A JSON per line, `{"documentId", "keyHint", "key", "isActive"?, "record"?}`, as `export` and a query of another endpoint's database make
 * it. A missing hint is `""`; a missing `isActive` false.
 * @throws Error that names the line and what is wrong with it, never what is in it
 */
export function parseImportedKeys(text: string): ImportedKey[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    try {
      return [parseImportedKey(JSON.parse(line))]
    } catch (error) {
      // A syntax error quotes the line.
      const why = error instanceof Error && !(error instanceof SyntaxError) ? error.message : 'expected JSON'
      throw new Error(`line ${index + 1}: ${why}`)
    }
  })
}

function parseImportedKey(value: unknown): ImportedKey {
  const { key, record = null } = parseKeyAnswer(value)
  // parseKeyAnswer has made sure that it is an object; each member is parsed as unknown.
  const { documentId, keyHint = '', isActive = false } = value as Record<string, unknown>
  if (typeof isActive !== 'boolean') throw new Error('isActive: expected true or false')
  return { documentId: parseDocumentId(documentId), keyHint: parseKeyHint('keyHint', keyHint), key, isActive, record }
}
