import * as encoding from 'lib0/encoding'

/** Bytes of a Yjs V1 update that Yjs itself would not write: what a member with a client of its own can seal. */
export function rawUpdate(
  sections: ReadonlyArray<{
    client: number
    clock: number
    structs: ReadonlyArray<(encoder: encoding.Encoder) => void>
  }>,
  deletes: ReadonlyArray<{ client: number; clock: number; length: number }> = [],
): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, sections.length)
  for (const { client, clock, structs } of sections) {
    encoding.writeVarUint(encoder, structs.length)
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    for (const write of structs) write(encoder)
  }
  encoding.writeVarUint(encoder, deletes.length)
  for (const { client, clock, length } of deletes) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarUint(encoder, length)
  }
  return encoding.toUint8Array(encoder)
}

/** Garbage: so many ids without content. */
export function garbage(length: number) {
  return (encoder: encoding.Encoder): void => {
    encoding.writeUint8(encoder, 0)
    encoding.writeVarUint(encoder, length)
  }
}

type Writes = (encoder: encoding.Encoder) => void

/** An item at the top of a type of the document's own. */
export function item(kind: number, content: Writes, root = 'text'): Writes {
  return (encoder) => {
    encoding.writeUint8(encoder, kind)
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarString(encoder, root)
    content(encoder)
  }
}

/** An item in a type that is itself an item. */
export function itemIn(client: number, clock: number, kind: number, content: Writes): Writes {
  return (encoder) => {
    encoding.writeUint8(encoder, kind)
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    content(encoder)
  }
}

export const text = (words: string): Writes => item(4, (encoder) => encoding.writeVarString(encoder, words))

/** lib0's `any`: so many arrays in each other. */
export function nestedArrays(depth: number): Writes {
  return item(8, (encoder) => {
    encoding.writeVarUint(encoder, 1)
    for (let i = 0; i < depth; i++) {
      encoding.writeUint8(encoder, 117)
      encoding.writeVarUint(encoder, 1)
    }
    encoding.writeUint8(encoder, 126)
  })
}

/** A format or an embed whose JSON nests. */
export function nestedJson(depth: number, kind: 'embed' | 'format'): Writes {
  const json = `${'['.repeat(depth)}${']'.repeat(depth)}`
  return item(kind === 'embed' ? 5 : 6, (encoder) => {
    if (kind === 'format') encoding.writeVarString(encoder, 'bold')
    encoding.writeVarString(encoder, json)
  })
}
