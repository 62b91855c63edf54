import { createHash } from 'node:crypto'
import { closeReasons, DEFAULT_LIMITS, MAX_FRAME_BYTES, MAX_FRAME_ITEMS, PROTOCOL_VERSION } from '@y-sealed/protocol'
import { expect, it } from 'vitest'
import { downCodecs } from '../../../packages/protocol/src/down.ts'
import { upCodecs } from '../../../packages/protocol/src/up.ts'

/**
 * If this test fails, the wire has changed: a client and a relay of different builds would misread each other.
 * Raise PROTOCOL_VERSION, add its line to the history in version.ts, keep the old codec while MIN_PROTOCOL_VERSION
 * names it, and only then pin what the failure shows. Before the first release the hash may change alone.
 */
const pinned = {
  version: 1,
  wire: '2f14ea61dd8e39720b621378142108b654b625a3015f5bc8b4f6bf94ee589bfc',
}

it('[WIRE-16] the wire changes only together with the version', () => {
  expect({ version: PROTOCOL_VERSION, wire: sha256(JSON.stringify(wireTable())) }).toEqual(pinned)
})

it('[WIRE-16] the table that is pinned holds every field of every message', () => {
  expect(wireTable().up.map(({ type }) => type)).toContain('hello')
  expect(wireTable().up.find(({ type }) => type === 'join')?.fields).toContainEqual({
    name: 'room',
    shape: 'varstring(1..1024)',
  })
})

function wireTable() {
  const rows = (codecs: typeof upCodecs | typeof downCodecs) =>
    Object.values(codecs)
      .map(({ type, id, fields }) => ({ type, id, fields }))
      .sort((a, b) => a.id - b.id)
  return {
    up: rows(upCodecs),
    down: rows(downCodecs),
    frame: { MAX_FRAME_BYTES, MAX_FRAME_ITEMS },
    limits: DEFAULT_LIMITS,
    close: Object.values(closeReasons).map(({ code, action }) => ({ code, action })),
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
