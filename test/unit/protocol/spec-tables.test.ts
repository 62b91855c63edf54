import { readFileSync } from 'node:fs'
import { closeReasons, refusalCodes } from '@y-sealed/protocol'
import { expect, it } from 'vitest'
import { downCodecs } from '../../../packages/protocol/src/down.ts'
import { upCodecs } from '../../../packages/protocol/src/up.ts'

// Strangers implement the page, not the code: the two are compared.
const spec = readFileSync(new URL('../../../packages/protocol/SPEC.md', import.meta.url), 'utf8')
const rows = spec
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').slice(1, -1))
  .map((cells) => cells.map((cell) => cell.trim()))

const messageRows = rows.filter(([, id]) => id?.startsWith('0x'))
const codecs = [...Object.values(upCodecs), ...Object.values(downCodecs)]

it('[WIRE-20] the table of messages has the ids of the codecs, in order', () => {
  expect(messageRows.map(([type, id]) => ({ type, id: Number(id) }))).toEqual(
    codecs.toSorted((a, b) => a.id - b.id).map(({ type, id }) => ({ type, id })),
  )
})

it.each(codecs)('[WIRE-20] the row of $type names its fields in wire order', ({ id, fields }) => {
  const row = messageRows.find((cells) => Number(cells[1]) === id)?.[2] ?? ''
  const written = row.split(/ • |: (?=varint)/)
  const expected = fields.flatMap(({ name }) =>
    name === 'limits' ? ['limits', 'maxFrameEnvelopeBytes', 'maxAppendBytes', 'maxChannels'] : [name],
  )
  const parts = written.filter((part) => !part.startsWith('magic'))
  expect(parts).toHaveLength(expected.length)
  for (const [place, name] of expected.entries()) expect(parts[place]?.split(/[ ,:]+/)).toContain(name)
})

it('[WIRE-24] the table of refusals is that of the code', () => {
  const table = rows.filter(([number, , , action]) => /^\d{1,2}$/.test(number ?? '') && action).map(([, code]) => code)
  expect(table).toEqual(refusalCodes)
})

it('[WIRE-25] the table of close codes is that of the code', () => {
  const table = rows
    .filter(([code]) => /^\d{4}$/.test(code ?? ''))
    .map(([code, name, , action]) => [Number(code), name, action?.split(':')[0]])
  expect(table).toEqual(Object.entries(closeReasons).map(([name, { code, action }]) => [code, name, action]))
})
