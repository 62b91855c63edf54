import * as Y from 'yjs'
import { below, pick } from '../../support/random.ts'

/** Whatever Yjs can hold, by somebody who tries everything. */
export function changeSomehow(doc: Y.Doc, random: () => number): void {
  const words = pick(random, ['a', 'zwölf', '🔑🔑', 'more words', '\u{10ffff}', ''])
  const ytext = doc.getText('text')
  const map = doc.getMap('map')
  const array = doc.getArray('array')
  const xml = doc.getXmlFragment('xml')
  const acts: Array<() => void> = [
    () => ytext.insert(below(random, ytext.length + 1), words),
    () => ytext.insert(below(random, ytext.length + 1), words, { bold: true, link: { to: [words] } }),
    () => ytext.insertEmbed(below(random, ytext.length + 1), { image: words, deep: [[1, { a: null }]] }),
    () => {
      if (ytext.length > 0) ytext.format(0, ytext.length, { italic: pick(random, [true, null]) })
    },
    () => {
      if (ytext.length > 1) ytext.delete(0, below(random, ytext.length - 1) + 1)
    },
    () =>
      map.set(pick(random, ['k', 'l', '__proto__']), pick(random, [1.5, -(2 ** 40), 7, true, null, words, { words }])),
    () => map.set('type', pick(random, [new Y.Text(words), new Y.Map(), new Y.Array()])),
    () => map.delete('k'),
    () => array.push([new Uint8Array([1, 2, 3]), [words, [words, undefined]], { a: undefined, b: 10n }]),
    () => {
      if (array.length > 2) array.delete(1, 2)
    },
    () => {
      const element = new Y.XmlElement('p')
      element.setAttribute('class', words)
      element.insert(0, [new Y.XmlText(words), new Y.XmlElement('em')])
      xml.insert(0, [element])
    },
    () => map.set('sub', new Y.Doc({ meta: { words } })),
  ]
  doc.transact(() => pick(random, acts)())
}
