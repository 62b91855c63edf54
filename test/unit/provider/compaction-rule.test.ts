import { expect, it } from 'vitest'
import { isCompactionDue } from '../../../packages/provider/src/checkpoint/compaction-rule.ts'

const KIB = 1024
const MIB = 1024 * KIB

it.each([
  ['nothing behind it', 0, 0, 0, false, false],
  ['some keystrokes in a new document', 40, 4_000, 0, false, false],
  ['the same, and nobody writes any more', 60, 6_000, 0, true, true],
  ['a few keystrokes, and nobody writes any more', 20, 2_000, 0, true, false],
  ['a session of typing', 500, 50_000, 200 * KIB, false, true],
  ['a large document and a session of typing', 500, 50_000, 20 * MIB, false, false],
  ['a large document, and nobody writes any more', 500, 50_000, 20 * MIB, true, false],
  ['a large document and an eighth of it, and nobody writes any more', 10, 2.5 * MIB, 20 * MIB, true, true],
  ['a large document and an eighth of it', 10, 2.5 * MIB, 20 * MIB, false, false],
  ['as much log as document', 10, 20 * MIB, 20 * MIB, false, true],
])('%s', (_, entries, bytes, checkpointBytes, isQuiet, expected) => {
  expect(isCompactionDue({ entries, bytes, checkpointBytes, isQuiet })).toBe(expected)
})
