import type { Field } from './field.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** One kind of message: its number on the wire and its fields in order. */
export interface MessageCodec<M extends { readonly type: string }> {
  readonly type: M['type']
  readonly id: number
  /** Name and layout of each field, in wire order. */
  readonly fields: readonly { readonly name: string; readonly shape: string }[]
  /** Reads the body; the caller checks that nothing is left. */
  parse(reader: Reader): M
  /** Writes the body. */
  write(writer: Writer, message: M): void
}

/** The compiler holds this table against the message's interface: no field can be forgotten, or have another type. */
export type MessageFields<M> = { readonly [K in Exclude<keyof M, 'type'>]: Field<M[K]> }

/** `fault` tells what is wrong with fields that are good one by one. */
export function defineMessage<M extends { readonly type: string }>(
  type: M['type'],
  id: number,
  fields: MessageFields<M>,
  fault?: (message: M) => string | undefined,
): MessageCodec<M> {
  type Name = Exclude<keyof M, 'type'> & string
  // MessageFields<M> has M's keys and no other, each with the field of its type: the two casts rest on that.
  const names = Object.keys(fields) as Name[]
  const steps = names.map((name) => ({ name, part: `${type}.${name}`, field: fields[name] }))
  return {
    type,
    id,
    fields: steps.map(({ name, field }) => ({ name, shape: field.shape })),
    parse(reader) {
      const parsed: { -readonly [K in keyof M]?: M[K] } = {}
      parsed.type = type
      for (const { name, part, field } of steps) {
        reader.part = part
        const value = field.read(reader)
        // An absent field is a missing key, as in the interface, not a key with the value undefined.
        if (value !== undefined) parsed[name] = value
      }
      reader.part = type
      const message = parsed as M
      const found = fault?.(message)
      if (found !== undefined) throw reader.malformed(found)
      return message
    },
    write(writer, message) {
      for (const { name, part, field } of steps) {
        writer.part = part
        field.write(writer, message[name])
      }
      writer.part = type
      const found = fault?.(message)
      if (found !== undefined) throw writer.malformed(found)
    },
  }
}
