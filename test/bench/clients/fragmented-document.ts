import * as Y from 'yjs'

// A word at a time, as people and editors insert.
const WORD = 'bench '
// Encoding a document to measure it costs more than making it.
const WORDS_BETWEEN_LOOKS = 50
// Spreads the insertions over the text without a random number, so that every run makes the same document.
const STRIDE = 7_919

/** An update with a whole document that takes so many bytes, written word by word all over the place. */
export function fragmentedDocument(bytes: number): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = 1
  const text = doc.getText('text')
  for (let word = 0; ; word++) {
    text.insert(text.length === 0 ? 0 : (word * STRIDE) % text.length, WORD)
    if (word % WORDS_BETWEEN_LOOKS > 0) continue
    const update = Y.encodeStateAsUpdate(doc)
    if (update.length >= bytes) return update
  }
}
