import * as Y from 'yjs'
import { say } from './messages/words.ts'
import { TEXT_FIELD } from './text-schema.ts'

/** What the welcome document says before anybody has written in it. The provider runs this exactly once per document. */
export function writeWelcome(doc: Y.Doc): void {
  doc
    .getXmlFragment(TEXT_FIELD)
    .push([
      heading(1, say('welcome.title')),
      block('paragraph', say('welcome.what')),
      heading(2, say('welcome.try')),
      list(say('welcome.try.1'), say('welcome.try.2'), say('welcome.try.3')),
      block('blockquote', block('paragraph', say('welcome.end'))),
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
