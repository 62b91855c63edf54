import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import pg from 'pg'
import type { Browser } from 'playwright-core'
import { CanarySearch } from '../support/canary.ts'
import { startServerProcess } from '../support/server-process.ts'
import { writePages } from './pages.ts'
import { Person, type Place } from './person.ts'
import { startTwoInstances } from './two-instances.ts'

/** What somebody tried, what came of it, and whether that is what was to come. */
export interface Finding {
  readonly who: string
  readonly what: string
  readonly came: string
  readonly asItShould: boolean
}

export interface DemoReport {
  readonly findings: readonly Finding[]
  readonly typed: number
  readonly lost: number
  readonly outageSeconds: number
  /** Words typed while no endpoint was there, and of these durably stored when it came back. */
  readonly typedInOutage: number
  /** Questions that each instance answered or refused. */
  readonly questions: readonly number[]
}

export interface DemoOptions {
  readonly browser: Browser
  /** An empty PostgreSQL database. */
  readonly database: string
  readonly outageMs: number
  /** Words that each types at each step. */
  readonly words: number
}

const ROOM = 'contract-2026'
const PASSWORDS = { ada: 'correct horse', bob: 'battery staple', carol: 'tr0ub4dor', dan: 'hunter22' }

/** The whole story; everything that it starts ends with it. */
export async function playKeyDemo({ browser, database, outageMs, words }: DemoOptions): Promise<DemoReport> {
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-key-demo-'))
  const endings: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true, force: true })]
  const findings: Finding[] = []
  const note = (who: string, what: string, came: string | number, expected: string | number | boolean) =>
    findings.push({
      who,
      what,
      came: String(came),
      asItShould: typeof expected === 'boolean' ? expected : came === expected,
    })
  try {
    await writePages(join(folder, 'pages'))
    const app = await startTwoInstances(folder, database, join(folder, 'pages'), PASSWORDS)
    endings.push(() => app.stop())
    const relay = await startServerProcess('server/relay/dist/main.js', { data: join(folder, 'relay') })
    endings.push(() => relay.kill())
    await makeMembers(database)
    const place: Place = { app: app.url, relay: relay.url, room: ROOM }
    const comes = async (name: keyof typeof PASSWORDS, later = false) => {
      const person = await Person.comes(browser, name, PASSWORDS[name], place, later)
      endings.push(() => person.leaves())
      return person
    }

    // Two people open a new document at once.
    const [ada, bob] = await Promise.all([comes('ada'), comes('bob')])
    await Promise.all([ada.types(words), bob.types(words)])
    await Promise.all([ada.untilReads(bob), bob.untilReads(ada)])
    note('Ada and Bob', 'open a new document at once, and write', 'each reads the other', true)

    // A rotation while both type.
    const busy = [ada.keepsTyping(), bob.keepsTyping()]
    await ada.rotateKey()
    await Promise.all(busy.map((typing) => typing.stop()))
    await Promise.all([ada.untilReads(bob), bob.untilReads(ada)])
    note('Ada', 'rotates the key while both type', 'each reads the other', true)
    note('Bob', 'opens epoch 0, which is over', await itsWords(bob.openEpoch(0)), 'its words')

    // A member is removed, and the key replaced.
    await bob.flush()
    note('Bob', 'wants to remove Ada', await bob.post('/members/remove', { documentId: ROOM, name: 'ada' }), 403)
    note('Ada', 'removes Bob', await ada.post('/members/remove', { documentId: ROOM, name: 'bob' }), 204)
    await ada.rotateKey()
    const known = await bob.reads(ada)
    await ada.types(words)
    await ada.flush()
    await bob.until('key-refused', (demo) => demo.problems.includes('key-refused'))
    note('Bob, removed', 'asks for the new key', 'key-refused', true)
    note('Bob, removed', 'reads what Ada writes from then on', (await bob.reads(ada)) - known, 0)
    note('Bob, removed', 'still has what he had read', known > 0 ? 'yes' : 'no', 'yes')
    const bobsWords = bob.words.length
    await bob.types(2)
    note(
      'Bob, removed',
      'types on: the words wait in his page',
      (await bob.state()).unsynced ? 'unsent' : 'sent',
      'unsent',
    )

    // An old epoch is shredded.
    const { keys } = (await ada.postForJson('/keys/list', { documentId: ROOM })) as { keys: { keyHint: string }[] }
    const secrets = await Promise.all(
      keys.map(async ({ keyHint }) => {
        const answer = (await ada.postForJson('/keys', { documentId: ROOM, keyHint })) as { key: string }
        return answer.key
      }),
    )
    note(
      'Ada',
      'shreds the key of epoch 0',
      await ada.post('/keys/shred', { documentId: ROOM, keyHint: keys[0]?.keyHint }),
      200,
    )
    const carol = await comes('carol')
    await carol.untilReads(ada)
    note('Carol, new', 'opens the document', `${await carol.reads(ada)} of ${ada.words.length} words of Ada`, true)
    note('Carol, new', 'opens epoch 0, whose key is shredded', await carol.openEpoch(0), 'key-unknown')
    note('Carol, new', 'opens epoch 1, whose key is kept', await itsWords(carol.openEpoch(1)), 'its words')

    // The endpoint is gone in mid-typing.
    const dan = await comes('dan', true)
    const typing = ada.keepsTyping()
    const before = ada.words.length
    await app.kill()
    await dan.connect()
    await dan.until('key-unavailable', (demo) => demo.problems.includes('key-unavailable'))
    note('Dan, new', 'opens the document while no endpoint is there', 'key-unavailable', true)
    await after(outageMs)
    await ada.flush()
    const typedInOutage = ada.words.length - before
    await carol.untilReads(ada)
    note(
      'Ada',
      'types on through the outage',
      typedInOutage > 0 ? 'stored, and read by Carol' : 'nothing',
      'stored, and read by Carol',
    )
    await app.restart()
    await typing.stop()
    await ada.flush()
    await dan.untilReads(ada)
    note('Dan, new', 'when the endpoint is back', 'opens it without having done anything', true)
    await ada.rotateKey()
    await ada.types(words)
    await ada.flush()
    await Promise.all([carol.untilReads(ada), dan.untilReads(ada)])
    note('Ada', 'rotates after the outage', 'everybody follows', true)

    // What a fresh reader has of all that was typed, but what Bob has typed since he was removed.
    await dan.leaves()
    const fresh = await comes('dan')
    await fresh.untilReads(ada)
    const read = (await fresh.reads(ada)) + Math.min(await fresh.reads(bob), bobsWords)
    note('Dan, again', 'reads what Bob wrote after he was removed', (await fresh.reads(bob)) - bobsWords, 0)
    const typed = ada.words.length + bobsWords
    const search = new CanarySearch(secrets)
    const leaks = [
      ...search.in(app.outputs.join('\n'), 'what the endpoints printed'),
      ...search.in(relay.output, 'what the relay printed'),
      ...search.inDirectory(join(folder, 'relay')),
    ]
    note('Relay and logs', `have any of ${secrets.length} keys`, leaks.length, 0)
    return {
      findings,
      typed,
      lost: typed - read,
      outageSeconds: outageMs / 1_000,
      typedInOutage,
      questions: app.outputs.map((output) => output.split('"act":"key"').length - 1),
    }
  } finally {
    for (const end of endings.reverse()) await end().catch(() => {})
  }
}

async function itsWords(opened: Promise<number | string>): Promise<string> {
  const result = await opened
  return typeof result === 'number' && result > 0 ? 'its words' : String(result)
}

async function makeMembers(database: string): Promise<void> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  for (const [name, role] of Object.entries({ ada: 'admin', bob: 'write', carol: 'read', dan: 'write' })) {
    await client.query('INSERT INTO members (document, name, role) VALUES ($1, $2, $3)', [ROOM, name, role])
  }
  await client.end()
}
