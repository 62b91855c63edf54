import * as Y from 'yjs'

// A few words at a time, as somebody writes before going elsewhere.
const WORDS = 'some words on a bench '
// Encoding a document to measure it costs more than making it.
const INSERTIONS_BETWEEN_LOOKS = 50
// Spreads the insertions over the text without a random number, so that every run makes the same document.
const STRIDE = 7_919

/** An update with a whole document that takes so many bytes, written a few words at a time all over the place. */
export function fragmentedDocument(bytes: number): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = 1
  const text = doc.getText('text')
  for (let insertion = 0; ; insertion++) {
    text.insert(text.length === 0 ? 0 : (insertion * STRIDE) % text.length, WORDS)
    if (insertion % INSERTIONS_BETWEEN_LOOKS > 0) continue
    const update = Y.encodeStateAsUpdate(doc)
    if (update.length >= bytes) return update
  }
}
