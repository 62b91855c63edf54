import * as Y from 'yjs'
import { EXIT, Failure } from '../failure.ts'

/** What a document is written as. */
export const FORMATS = {
  /** One Yjs V1 update: everything, deleted text's places included. */
  update: (doc: Y.Doc): Uint8Array => Y.encodeStateAsUpdate(doc),
  text: (doc: Y.Doc, root: string | undefined): Uint8Array => Buffer.from(`${textOf(only(doc, root))}\n`),
  /** `{name: value}` of every shared type, as Yjs's own `toJSON`: text without its formats, XML as a string. */
  json: (doc: Y.Doc, root: string | undefined): Uint8Array => {
    const roots = rootsOf(doc)
    const chosen = root === undefined ? [...roots] : [[root, only(doc, root)] as const]
    return Buffer.from(
      `${JSON.stringify(Object.fromEntries(chosen.map(([name, type]) => [name, type.toJSON()])), null, 2)}\n`,
    )
  },
} as const satisfies Record<string, (doc: Y.Doc, root: string | undefined) => Uint8Array>

export type FormatName = keyof typeof FORMATS

/** A shared type whose kind nobody has asked for yet. */
type Untold = Pick<Y.AbstractType<never>, '_start' | '_map'>

type Root = Y.Text | Y.Map<unknown> | Y.Array<unknown> | Y.XmlFragment

/**
 * A document does not say what kind its shared types are: that is in what the app asks for. Their content tells, and an empty one has no kind.
 */
export function rootsOf(doc: Y.Doc): Map<string, Root> {
  const found = new Map<string, Root>()
  for (const [name, type] of doc.share) {
    const root = rootOf(doc, name, type)
    if (root !== undefined) found.set(name, root)
  }
  return found
}

function rootOf(doc: Y.Doc, name: string, type: Untold): Root | undefined {
  const first = firstContent(type)
  if (first === undefined) return type._map.size > 0 ? doc.getMap(name) : undefined
  if (first instanceof Y.ContentString || first instanceof Y.ContentFormat || first instanceof Y.ContentEmbed) {
    return doc.getText(name)
  }
  const isXml =
    first instanceof Y.ContentType && (first.type instanceof Y.XmlElement || first.type instanceof Y.XmlText)
  return isXml ? doc.getXmlFragment(name) : doc.getArray(name)
}

/** Of the first item that is not deleted. */
function firstContent(type: Untold): object | undefined {
  let item = type._start
  while (item?.deleted) item = item.right
  return item?.content
}

function only(doc: Y.Doc, root: string | undefined): Root {
  const roots = rootsOf(doc)
  const [name, ...more] = root === undefined ? [...roots.keys()] : [root]
  const type = name === undefined ? undefined : roots.get(name)
  if (type !== undefined && more.length === 0) return type
  const what = root === undefined ? `${roots.size} shared types` : 'no such shared type, or an empty one'
  throw new Failure('no-root', `the document has ${what}: name one with --root`, EXIT.found)
}

function textOf(type: Root): string {
  if (type instanceof Y.XmlFragment) return xmlText(type)
  if (type instanceof Y.Text) return type.toString()
  return JSON.stringify(type.toJSON(), null, 2)
}

/** Its words; each element that has text of its own is a line. */
function xmlText(fragment: Y.XmlFragment): string {
  const lines: string[] = []
  const visit = (node: Y.XmlFragment): void => {
    let line = ''
    for (const child of node.toArray()) {
      if (child instanceof Y.XmlText) line += wordsOf(child)
      else if (child instanceof Y.XmlFragment) visit(child)
    }
    if (line !== '') lines.push(line)
  }
  visit(fragment)
  return lines.join('\n')
}

/** Without the marks that `toString` puts around them. */
const wordsOf = (text: Y.XmlText): string =>
  text
    .toDelta()
    .reduce((words: string, { insert }: { insert: unknown }) => words + (typeof insert === 'string' ? insert : ''), '')
