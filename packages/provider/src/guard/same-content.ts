import * as encoding from 'lib0/encoding'
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
  const isSame = isSameContent(there.content, clock - there.id.clock, came.content, clock - came.id.clock, length)
  return isSame ? 'same' : 'other'
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

function isSameContent(a: unknown, aFrom: number, b: unknown, bFrom: number, length: number): boolean {
  if (a instanceof Y.ContentString && b instanceof Y.ContentString)
    return isSameText(a.str, aFrom, b.str, bFrom, length)
  if (a instanceof Y.ContentAny && b instanceof Y.ContentAny)
    return equalBytes(encodeAny(a.arr, aFrom, length), encodeAny(b.arr, bFrom, length))
  if (a instanceof Y.ContentJSON && b instanceof Y.ContentJSON)
    return asJson(a.arr.slice(aFrom, aFrom + length)) === asJson(b.arr.slice(bFrom, bFrom + length))
  if (a instanceof Y.ContentBinary && b instanceof Y.ContentBinary) return equalBytes(a.content, b.content)
  if (a instanceof Y.ContentEmbed && b instanceof Y.ContentEmbed) return asJson(a.embed) === asJson(b.embed)
  if (a instanceof Y.ContentFormat && b instanceof Y.ContentFormat)
    return a.key === b.key && asJson(a.value) === asJson(b.value)
  if (a instanceof Y.ContentType && b instanceof Y.ContentType)
    return a.type.constructor === b.type.constructor && nameOf(a.type) === nameOf(b.type)
  if (a instanceof Y.ContentDoc && b instanceof Y.ContentDoc) return a.doc.guid === b.doc.guid
  return false
}

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

function nameOf(type: unknown): string {
  return type instanceof Y.XmlElement ? type.nodeName : ''
}

/** What is left of values once they are written: a date, say, or what is undefined, does not come as it was. */
function encodeAny(values: readonly unknown[], from: number, length: number): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const value of values.slice(from, from + length))
    encoding.writeAny(encoder, value as Parameters<typeof encoding.writeAny>[1])
  return encoding.toUint8Array(encoder)
}

const asJson = (value: unknown): string => JSON.stringify(value) ?? ''
