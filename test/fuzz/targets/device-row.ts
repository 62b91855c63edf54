import { createEpochRecord } from '@y-sealed/envelope'
import * as Y from 'yjs'
import type * as ChainedEpoch from '../../../packages/provider/src/epoch/chained-epoch.ts'
import type * as Rows from '../../../packages/provider/src/indexeddb/rows.ts'
import type * as StoreLock from '../../../packages/provider/src/indexeddb/store-lock.ts'
import { join } from '../mutate.ts'
import { promised, sameBytes, type Target } from '../target.ts'
import { knownKeys } from './known-keys.ts'
import { fromProvider } from './provider-sources.ts'

/** What stands in a store of `sealedIndexedDB` once it is opened, whoever has sealed it (attack F1). The first byte says which row it is taken for. */
export const deviceRow: Target = {
  name: 'device-row',
  promise: 'is read as what it says, exactly, or refused without an exception',
  sampleCases: 1_500,
  mustMeet: ['pins', 'log', 'edit', 'lock', 'refused'],
  async open() {
    const { readRecord } = await fromProvider<typeof ChainedEpoch>('epoch/chained-epoch')
    const { encodeEdit, encodeLogRow, encodePins, parseEdit, parseLogRow, parsePins } =
      await fromProvider<typeof Rows>('indexeddb/rows')
    const { parseLock } = await fromProvider<typeof StoreLock>('indexeddb/store-lock')
    const record = await createEpochRecord(await knownKeys(), { index: 0 })
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'on a device')
    const update = Y.encodeStateAsUpdate(doc)
    const pins = {
      generation: 'g',
      rowCount: 3,
      cursor: 300,
      hash: new Uint8Array(32).fill(7),
      line: [readRecord(record)],
    }
    return {
      seeds: [
        join(Uint8Array.of(0), encodePins(pins)),
        join(Uint8Array.of(1), encodeLogRow([update, update])),
        join(Uint8Array.of(2), encodeEdit({ update, sinceMs: 1_700_000_000_000 })),
        join(Uint8Array.of(3), record),
      ],
      check(input) {
        const body = input.subarray(1)
        switch ((input[0] ?? 0) % 4) {
          case 0: {
            const parsed = parsePins('g', body)
            if (parsed === undefined) return 'refused'
            promised(parsed.hash.length === 32 && parsed.line.length > 0, 'pins without a place')
            return 'pins'
          }
          case 1: {
            const updates = parseLogRow(body)
            if (updates === undefined) return 'refused'
            // What was taken for updates is for Yjs.
            for (const each of updates) Y.decodeUpdate(each)
            return 'log'
          }
          case 2: {
            const edit = parseEdit(body)
            if (edit === undefined) return 'refused'
            promised(Number.isSafeInteger(edit.sinceMs), 'a time that is none')
            Y.decodeUpdate(edit.update)
            return 'edit'
          }
          default: {
            const lock = parseLock({ record: body, nonce: new Uint8Array(16), sealed: body })
            promised(lock === undefined || sameBytes(lock.epoch.record, body), 'the record is another')
            return lock === undefined ? 'refused' : 'lock'
          }
        }
      },
    }
  },
}
