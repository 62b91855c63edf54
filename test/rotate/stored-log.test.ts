import { createRelay } from '@y-sealed/relay'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { observe } from 'y-sealed/observe'
import { RawClient } from '../scenario/relay-raw-client.ts'
import { until } from '../support/events.ts'
import { Wire } from '../support/wire.ts'
import { startWorld, type World } from '../support/world.ts'
import { contradictions, readStoredLog, type StoredLog } from './stored-log.ts'

let world: World
let log: StoredLog
let entriesOfFirst: number

/** Three epochs, each with entries. */
beforeEach(async () => {
  world = await startWorld()
  const ada = await world.joined('Ada')
  for (const words of ['one ', 'two ', 'three ']) {
    if (words !== 'one ') await ada.provider.rotateKey()
    for (const word of words) {
      ada.text.insert(0, word)
      await ada.provider.flush()
    }
    entriesOfFirst ??= (await world.log()).length
  }
  log = await readStoredLog(world.relayUrl, 'room')
})
afterEach(() => world.close())

const swapped = <T>(list: readonly T[], a: number, b: number): T[] =>
  list.map((item, i) => (i === a ? (list[b] ?? item) : i === b ? (list[a] ?? item) : item))

test('a log that honest members wrote contradicts nothing', () => {
  expect(log.records).toHaveLength(3)
  expect(contradictions(log)).toEqual([])
})

test('an entry that was taken after its epoch had ended is found', () => {
  const late = log.entries[entriesOfFirst - 1]
  const entries = log.entries.map((entry, i) => (i === entriesOfFirst ? { ...late!, sequence: entry.sequence } : entry))
  expect(contradictions({ ...log, entries })).toContain(
    `entry ${entriesOfFirst + 1} was sealed under epoch 0 and taken in epoch 1`,
  )
})

test('so is one in the last epoch, of which no record tells the end', () => {
  const entries = [...log.entries, { ...log.entries[0]!, sequence: log.entries.length + 1 }]
  expect(contradictions({ ...log, entries })).toEqual([
    `entry ${entries.length} was sealed under epoch 0 and taken in epoch 2`,
  ])
})

test('entries in another order, and one that is missing, are found', () => {
  const { entries } = log
  const moved = swapped(entries, 0, 1).map((entry, i) => ({ ...entry, sequence: i + 1 }))
  expect(contradictions({ ...log, entries: moved })).toEqual(['epoch 1 follows another log than the stored one'])
  expect(contradictions({ ...log, entries: entries.slice(1) })).toContain('entry 2 stands where 1 should')
})

test('a line of records with a gap or in another order is found', () => {
  const { records } = log
  expect(contradictions({ ...log, records: [records[0]!, records[2]!] })).toContain('epoch 2 does not follow epoch 0')
  expect(contradictions({ ...log, records: swapped(records, 1, 2) })).toContain('epoch 1 comes after epoch 2')
})

test('an observer is shown every record, however many messages they take', async () => {
  const relay = await createRelay({ data: 'memory', port: 0 })
  // Records of the largest size: 100 of them are 400 KiB, more than one page of the relay's.
  const records = Array.from({ length: 100 }, (_, i) => {
    const record = new Uint8Array(4_096).fill(i + 1)
    record.set([1, 1, 0, i])
    return record
  })
  const rotator = await RawClient.connect(relay.url)
  await rotator.join('many')
  await rotator.open(records[0]!)
  for (let i = 1; i < records.length; i++) await rotator.rotate(records[i]!, records[i - 1]!)
  const shown: (number | undefined)[] = []
  const observer = observe(relay.url, 'many', { WebSocketPolyfill: new Wire().WebSocket })
  observer.on('record', (record) => void shown.push(record[3]))
  await until(observer, 'caught-up')
  observer.close()
  rotator.end()
  await relay.close()
  expect([...new Set(shown)]).toEqual(records.map((_, i) => i))
})
