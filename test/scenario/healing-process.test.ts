import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type SealedError, SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { untilEqual } from '../support/convergence.ts'
import { patiently, untilTrue } from '../support/events.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { Wire } from '../support/wire.ts'

// A real relay, a real file: an operator copies an old backup back under live members.

const KEY = 'what-a-backup-lacks-is-brought-back-0123456789'
const MEMBERS = 4

interface Member {
  readonly doc: Y.Doc
  readonly provider: SealedProvider
  readonly problems: SealedError[]
}

let folder: string
let relay: ServerProcess
let members: Member[]

const data = (): string => join(folder, 'relay')

beforeEach(async () => {
  folder = mkdtempSync(`${tmpdir()}/y-sealed-restored-`)
  relay = await startRelayProcess(data())
  members = []
})

afterEach(async () => {
  for (const { provider } of members) provider.destroy()
  await relay.stop()
  rmSync(folder, { recursive: true, force: true })
})

function enter(): Member {
  const doc = new Y.Doc()
  const wire = new Wire()
  const options = { keys: staticKey(KEY), WebSocketPolyfill: wire.WebSocket, maxBackoffTime: 200 }
  const provider = new SealedProvider(relay.url, 'restored', doc, options)
  const problems: SealedError[] = []
  provider.on('problem', (problem) => void problems.push(problem))
  const member = { doc, provider, problems }
  members.push(member)
  return member
}

const list = ({ doc }: Member): Y.Array<string> => doc.getArray<string>('words')

async function everybodyWrites(word: string): Promise<void> {
  for (const [i, member] of members.entries()) list(member).push([`${word} of ${i}`])
  await Promise.all(members.map(({ provider }) => patiently(provider.flush(), 'it to be durable')))
  await untilEqual(members.map(({ doc }) => doc))
}

const back = (): Promise<unknown> =>
  Promise.all(
    members.map(({ provider }) =>
      patiently(
        untilTrue(provider, 'sync', () => provider.synced),
        'somebody to be back',
      ),
    ),
  )

test('kill -9, the copy of yesterday, start: each says so once, no word is lost here or there, and all goes on', async () => {
  for (let each = 0; each < MEMBERS; each++) await enter().provider.whenSynced
  await everybodyWrites('kept')
  await relay.stop()
  cpSync(data(), join(folder, 'backup'), { recursive: true })
  await relay.restart()
  await back()
  await everybodyWrites('lost')
  list(members[0] as Member).delete(0, 1)
  await patiently((members[0] as Member).provider.flush(), 'the deletion to be durable')
  await untilEqual(members.map(({ doc }) => doc))
  const words = list(members[0] as Member).toArray()
  expect(words).toHaveLength(2 * MEMBERS - 1)
  let shrunk = 0
  for (const member of members) {
    list(member).observe((event) => {
      if (event.changes.delta.some((part) => part.delete !== undefined)) shrunk++
    })
  }

  await relay.kill()
  rmSync(data(), { recursive: true })
  cpSync(join(folder, 'backup'), data(), { recursive: true })
  await relay.restart()
  await Promise.all(
    members.map(({ provider }) =>
      patiently(
        untilTrue(provider, 'rollback', () => provider.counters.rollback === 1),
        'somebody to notice',
      ),
    ),
  )
  await back()
  await Promise.all(members.map(({ provider }) => patiently(provider.flush(), 'what was lost to be durable')))

  const newcomer = enter()
  await newcomer.provider.whenSynced
  expect(list(newcomer).toArray()).toEqual(words)
  expect(newcomer.problems).toEqual([])
  await everybodyWrites('after')
  expect(list(newcomer).length).toBe(words.length + MEMBERS + 1)
  for (const { problems, doc } of members.slice(0, MEMBERS)) {
    expect(problems.map(({ code }) => code)).toEqual(['rollback'])
    expect(doc.getArray('words').length).toBe(list(newcomer).length)
  }
  expect(shrunk).toBe(0)
})
