import { equalityDeep } from 'lib0/function'
import * as Y from 'yjs'
import { equalBytes } from '../hex.ts'

type Struct = Y.Item | Y.GC | Y.Skip

/** `unknown`: too little is left on one side to tell. */
export type Likeness = 'same' | 'other' | 'unknown'

/**
 * Compares two structs, of which one is in the document and the other in an update, for the ids [clock, clock + length): were they written once, and have
 * come by two ways?
 */
export function compare(there: Struct, came: Struct, clock: number, length: number): Likeness {
  if (!(there instanceof Y.Item) || !(came instanceof Y.Item)) return 'unknown'
  if (!isSameId(originAt(there, clock), originAt(came, clock))) return 'other'
  if (!isSameId(there.rightOrigin, came.rightOrigin)) return 'other'
  const isPlaced = came.origin === null && came.rightOrigin === null && clock === came.id.clock
  if (isPlaced && !isSameParent(there, came)) return 'other'
  if (isGarbage(there) || isGarbage(came)) return 'unknown'
  return compareContent(there.content, clock - there.id.clock, came.content, clock - came.id.clock, length)
}

/** Nothing is left of what stood there. */
export function isGarbage(struct: Struct): boolean {
  return struct instanceof Y.GC || (struct instanceof Y.Item && struct.content instanceof Y.ContentDeleted)
}

/** What an item would name to its left if it began at `clock`. */
function originAt({ id, origin }: Y.Item, clock: number): Y.ID | null {
  return clock === id.clock ? origin : Y.createID(id.client, clock - 1)
}

function isSameId(a: Y.ID | null, b: Y.ID | null): boolean {
  return a === b || (a !== null && b !== null && a.client === b.client && a.clock === b.clock)
}

/** In an update a parent is the name of one of the document's own types, or the id of an item; in a document it is the type itself. */
function isSameParent(there: Y.Item, came: Y.Item): boolean {
  if (there.parentSub !== came.parentSub) return false
  const parent = there.parent instanceof Y.AbstractType ? there.parent : null
  if (parent === null) return false
  const named: unknown = came.parent
  if (typeof named === 'string') return parent._item === null && Y.findRootTypeKey(parent) === named
  return named instanceof Y.ID && parent._item !== null && isSameId(parent._item.id, named)
}

function compareContent(a: unknown, aFrom: number, b: unknown, bFrom: number, length: number): Likeness {
  if (a instanceof Y.ContentString && b instanceof Y.ContentString)
    return sameIf(isSameText(a.str, aFrom, b.str, bFrom, length))
  if (
    (a instanceof Y.ContentAny && b instanceof Y.ContentAny) ||
    (a instanceof Y.ContentJSON && b instanceof Y.ContentJSON)
  )
    return compareValues(a.arr.slice(aFrom, aFrom + length), b.arr.slice(bFrom, bFrom + length))
  if (a instanceof Y.ContentBinary && b instanceof Y.ContentBinary) return sameIf(equalBytes(a.content, b.content))
  if (a instanceof Y.ContentEmbed && b instanceof Y.ContentEmbed) return compareValues([a.embed], [b.embed])
  if (a instanceof Y.ContentFormat && b instanceof Y.ContentFormat)
    return a.key === b.key ? compareValues([a.value], [b.value]) : 'other'
  if (a instanceof Y.ContentType && b instanceof Y.ContentType)
    return sameIf(equalBytes(encodeType(a.type), encodeType(b.type)))
  if (a instanceof Y.ContentDoc && b instanceof Y.ContentDoc) return sameIf(a.doc.guid === b.doc.guid)
  return 'other'
}

const sameIf = (isSame: boolean): Likeness => (isSame ? 'same' : 'other')

/** An app may have changed an object after it had put it into the document, which then is not what was sent: such tell nothing. */
function compareValues(a: readonly unknown[], b: readonly unknown[]): Likeness {
  let likeness: Likeness = 'same'
  for (const [i, left] of a.entries()) {
    const right = b[i]
    if (Object.is(left, right) || equalityDeep(left, right)) continue
    if (!isObject(left) && !isObject(right)) return 'other'
    likeness = 'unknown'
  }
  return likeness
}

const isObject = (value: unknown): boolean =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'

/** Yjs that has to cut a character of two units in half puts replacements in place of both. */
const REPLACEMENT = 0xfffd

function isSameText(a: string, aFrom: number, b: string, bFrom: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(aFrom + i)
    const right = b.charCodeAt(bFrom + i)
    if (left !== right && left !== REPLACEMENT && right !== REPLACEMENT) return false
  }
  return true
}

/** Which type it is, and its name. An app may have a class of its own for it. */
function encodeType(type: Y.AbstractType<unknown>): Uint8Array {
  const encoder = new Y.UpdateEncoderV1()
  type._write(encoder)
  return encoder.toUint8Array()
}
