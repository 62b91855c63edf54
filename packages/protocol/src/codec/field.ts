import { MAX_NUMBER } from '../limits.ts'
import { HASH_BYTES, HASH_PREFIX_BYTES } from '../log-hash.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** How one field of a message lies on the wire. `shape` names that layout and its bounds; the ratchet test hashes it. */
export interface Field<T> {
  readonly shape: string
  read(reader: Reader): T
  write(writer: Writer, value: T): void
}

/** A whole number as a minimal varint. Below `min` is `malformed`, above `max` is `limit`. */
export function uint(min: number, max: number): Field<number> {
  return {
    shape: `varint(${min}..${max})`,
    read(reader) {
      const value = reader.varint(max)
      if (value < min) throw reader.malformed(`expected at least ${min}, got ${value}`)
      return value
    },
    write(writer, value) {
      if (value < min) throw writer.malformed(`expected at least ${min}, got ${value}`)
      writer.varint(value, max)
    },
  }
}

/** Length, then bytes. */
export function varBytes(min: number, max: number): Field<Uint8Array> {
  return {
    shape: `varbytes(${min}..${max})`,
    read: (reader) => reader.varBytes(min, max),
    write: (writer, value) => writer.varBytes(value, min, max),
  }
}

/** Byte length, then UTF-8. */
export function varString(min: number, max: number): Field<string> {
  return {
    shape: `varstring(${min}..${max})`,
    read: (reader) => reader.varString(min, max),
    write: (writer, value) => writer.varString(value, min, max),
  }
}

function fixedBytes(length: number): Field<Uint8Array> {
  return {
    shape: `bytes(${length})`,
    read: (reader) => reader.bytes(length),
    write: (writer, value) => writer.bytes(value, length),
  }
}

/** A byte 0 or 1. */
export const bool: Field<boolean> = {
  shape: 'bool',
  read(reader) {
    const byte = reader.byte()
    if (byte > 1) throw reader.malformed(`expected 0 or 1, got ${byte}`)
    return byte === 1
  },
  write: (writer, value) => writer.byte(value ? 1 : 0),
}

/** A bool that says whether the field follows. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    shape: `optional ${field.shape}`,
    read: (reader) => (bool.read(reader) ? field.read(reader) : undefined),
    write(writer, value) {
      bool.write(writer, value !== undefined)
      if (value !== undefined) field.write(writer, value)
    },
  }
}

/** How many, then each. */
export function list<T>(element: Field<T>, min: number, max: number): Field<T[]> {
  return {
    shape: `list(${min}..${max}) of ${element.shape}`,
    read(reader) {
      const count = reader.count(min, max)
      const elements: T[] = []
      for (let index = 0; index < count; index++) elements.push(element.read(reader))
      return elements
    },
    write(writer, elements) {
      writer.count(elements.length, min, max)
      for (const value of elements) element.write(writer, value)
    },
  }
}

/** One of a few names, as a byte: its place in the list. A place beyond the list is `unsupported`. */
export function oneOf<const T extends string>(names: readonly T[]): Field<T> {
  return {
    shape: `byte of ${names.join('|')}`,
    read(reader) {
      const place = reader.byte()
      const name = names[place]
      if (name === undefined) throw reader.unsupported(`expected 0..${names.length - 1}, got ${place}`)
      return name
    },
    write(writer, name) {
      const place = names.indexOf(name)
      if (place < 0) throw writer.malformed(`expected one of ${names.join(', ')}`)
      writer.byte(place)
    },
  }
}

/** The fields of a nested struct, one after the other. */
export function struct<T extends object>(fields: { readonly [K in keyof T]-?: Field<T[K]> }): Field<T> {
  // The compiler has checked that `fields` has T's keys and no other, each with the field of its type.
  const names = Object.keys(fields) as (keyof T & string)[]
  return {
    shape: `{ ${names.map((name) => `${name}: ${fields[name].shape}`).join(', ')} }`,
    read(reader) {
      const value: Partial<T> = {}
      for (const name of names) value[name] = fields[name].read(reader)
      return value as T
    },
    write(writer, value) {
      for (const name of names) fields[name].write(writer, value[name])
    },
  }
}

/** One room of a connection. */
export const channel = uint(0, MAX_NUMBER)

/** What a client asks and a relay answers. */
export const request = uint(1, MAX_NUMBER)

/** The request that is answered, or 0: nobody asked. */
export const requestOrNone = uint(0, MAX_NUMBER)

/** A sequence, or 0: before the first entry. */
export const sequence = uint(0, Number.MAX_SAFE_INTEGER)

/** SHA-256 of an epoch record. */
export const hash32 = fixedBytes(HASH_BYTES)

/** The first bytes of H. */
export const hash8 = fixedBytes(HASH_PREFIX_BYTES)

/** The first bytes of H, or nothing where the document has no epoch and therefore no H. */
export const hash8OrEmpty: Field<Uint8Array> = {
  shape: `bytes(0|${HASH_PREFIX_BYTES}) after a length`,
  read(reader) {
    const hash = reader.varBytes(0, HASH_PREFIX_BYTES)
    if (hash.length % HASH_PREFIX_BYTES > 0) throw reader.malformed(`expected 0 or 8 bytes, got ${hash.length}`)
    return hash
  },
  write(writer, hash) {
    if (hash.length % HASH_PREFIX_BYTES > 0) throw writer.malformed(`expected 0 or 8 bytes, got ${hash.length}`)
    writer.varBytes(hash, 0, HASH_PREFIX_BYTES)
  },
}
