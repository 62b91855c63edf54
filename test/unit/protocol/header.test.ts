import { encodeHeader, ProtocolError, parseHeader, recordKeyHint, recordPrefix } from '@y-sealed/protocol/header'
import { describe, expect, it } from 'vitest'
import { fromHex, readVectors, toHex } from './vectors.ts'

interface HeaderVector {
  name: string
  envelope: string
  version: 1
  kind: 1 | 2 | 3 | 4 | 5 | 6
  epochIndex: number
  salt: string
  counter: number
  headerBytes: number
}

const vectors = readVectors<{
  headers: HeaderVector[]
  refusedHeaders: { name: string; envelope: string; expect: string }[]
  recordPrefixes: {
    name: string
    record: string
    version: 1
    suite: number
    stretch: number
    index: number
    bytes: number
  }[]
  keyHints: { name: string; record: string; keyHint: string }[]
  refusedKeyHints: { name: string; record: string; expect: string }[]
  refusedRecordPrefixes: { name: string; record: string; expect: string }[]
}>('header')

describe('the public header of an envelope', () => {
  it.each(vectors.headers)('[WIRE-30] $name', ({ name: _, envelope, salt, ...fields }) => {
    expect(parseHeader(fromHex(envelope))).toStrictEqual({ ...fields, salt: fromHex(salt) })
  })

  it.each(vectors.headers)(
    '[WIRE-30] $name is written as it was read',
    ({ envelope, salt, kind, epochIndex, counter }) => {
      const header = toHex(encodeHeader({ kind, epochIndex, salt: fromHex(salt), counter }))
      expect(envelope.startsWith(header)).toBe(true)
    },
  )

  it.each(vectors.refusedHeaders)('[WIRE-31] $name is $expect', ({ envelope, expect: code }) => {
    expect(() => parseHeader(fromHex(envelope))).toThrow(ProtocolError)
    expect(() => parseHeader(fromHex(envelope))).toThrow(expect.objectContaining({ code }))
  })
})

describe('the start of an epoch record', () => {
  it.each(vectors.recordPrefixes)('[WIRE-32] $name', ({ name: _, record, ...fields }) => {
    expect(recordPrefix(fromHex(record))).toStrictEqual(fields)
  })

  it.each(vectors.refusedRecordPrefixes)('[WIRE-32] $name is $expect', ({ record, expect: code }) => {
    expect(() => recordPrefix(fromHex(record))).toThrow(expect.objectContaining({ code }))
  })
})

describe('the key hint of an epoch record', () => {
  it.each(vectors.keyHints)('[WIRE-37] $name', ({ record, keyHint }) => {
    expect(recordKeyHint(fromHex(record))).toBe(keyHint)
  })

  it.each(vectors.refusedKeyHints)('[WIRE-37] $name is $expect', ({ record, expect: code }) => {
    expect(() => recordKeyHint(fromHex(record))).toThrow(expect.objectContaining({ code }))
  })
})
