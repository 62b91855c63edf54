import * as Y from 'yjs'
import { TEXT_FIELD } from './text-schema.ts'

/** What the welcome document says before anybody has written in it. The provider runs this exactly once per document. */
export function writeWelcome(doc: Y.Doc): void {
  doc
    .getXmlFragment(TEXT_FIELD)
    .push([
      heading(1, 'A letter in a sealed envelope'),
      block(
        'paragraph',
        'Everything you write here is encrypted in your browser before it leaves. The relay in the middle puts it in order, stores it and passes it on, and cannot read a word of it.',
      ),
      heading(2, 'Try it'),
      list(
        'Open this address in a second tab, sign in as Bob, and write together.',
        'Open “What the relay sees” and look for a word that you typed.',
        'Press “Work offline”, write on, and come back: nothing is lost and nothing arrives twice.',
      ),
      block('blockquote', block('paragraph', 'Who holds the key reads the document. The relay never does.')),
    ])
}

function block(name: string, content: string | Y.XmlElement): Y.XmlElement {
  const made = new Y.XmlElement(name)
  made.insert(0, [typeof content === 'string' ? new Y.XmlText(content) : content])
  return made
}

function heading(level: number, text: string): Y.XmlElement {
  const made = new Y.XmlElement<{ level: number }>('heading')
  made.setAttribute('level', level)
  made.insert(0, [new Y.XmlText(text)])
  // Yjs' types know string attributes only; ProseMirror's headings have a number.
  return made as unknown as Y.XmlElement
}

function list(...items: string[]): Y.XmlElement {
  const made = new Y.XmlElement('bulletList')
  made.insert(
    0,
    items.map((item) => block('listItem', block('paragraph', item))),
  )
  return made
}
