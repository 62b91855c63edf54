import { createEncoder, toUint8Array, writeUint8, writeVarString, writeVarUint } from 'lib0/encoding'
import { VarintReader } from './varint.ts'

// Yjs writes what an item is (4: a string) and which neighbours it names into one byte.
const STRING = 4
const HAS_ORIGIN = 0x80
const HAS_RIGHT_ORIGIN = 0x40
const KIND_BITS = 0x1f
const GARBAGE = 0
const SKIP = 10

/**
 * The updates that Yjs makes while one person types at the end of what they have typed: written by hand, because load clients must make
 * them faster than any server takes them. A test compares them with Yjs' own.
 */
export class Keystrokes {
  readonly clientId: number
  #clock = 0

  constructor(clientId: number) {
    this.clientId = clientId
  }

  /** One more character of the text named `text`. */
  next(): Uint8Array {
    const clock = this.#clock++
    const encoder = createEncoder()
    writeVarUint(encoder, 1)
    writeVarUint(encoder, 1)
    writeVarUint(encoder, this.clientId)
    writeVarUint(encoder, clock)
    if (clock === 0) {
      writeUint8(encoder, STRING)
      writeVarUint(encoder, 1)
      writeVarString(encoder, 'text')
    } else {
      writeUint8(encoder, STRING | HAS_ORIGIN)
      writeVarUint(encoder, this.clientId)
      writeVarUint(encoder, clock - 1)
    }
    writeVarString(encoder, 'k')
    writeVarUint(encoder, 0)
    return toUint8Array(encoder)
  }
}

const reader = new VarintReader(new Uint8Array(0))

/** How many characters of others an update holds: a server may have merged the updates of a turn into one. */
export function countCharacters(bytes: Uint8Array, at: number, ownClientId: number): number {
  reader.moveTo(bytes, at)
  let characters = 0
  for (let clients = reader.next(); clients > 0; clients--) {
    let structs = reader.next()
    const isOwn = reader.next() === ownClientId
    reader.next()
    for (; structs > 0; structs--) {
      const length = structLength()
      if (!isOwn) characters += length
    }
  }
  return characters
}

/** The length of a struct that somebody who only types can have made; moves behind it. Merged updates skip what they lack: that is no character. */
function structLength(): number {
  const info = reader.bytes[reader.at++] ?? 0
  const kind = info & KIND_BITS
  if (kind === GARBAGE || kind === SKIP) {
    reader.next()
    return 0
  }
  if (kind !== STRING) throw new Error(`an update with a struct of kind ${kind}: nobody here makes one`)
  if ((info & HAS_ORIGIN) !== 0) skipId()
  if ((info & HAS_RIGHT_ORIGIN) !== 0) skipId()
  if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) === 0) {
    const isNamed = reader.next() === 1
    if (isNamed) skipText()
    else skipId()
  }
  return skipText()
}

function skipId(): void {
  reader.next()
  reader.next()
}

/** Returns its bytes: characters, as nothing but ASCII is typed here. */
function skipText(): number {
  const length = reader.next()
  reader.at += length
  return length
}
