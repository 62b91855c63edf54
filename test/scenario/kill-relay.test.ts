import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { Capture } from '../support/capture.ts'
import { patiently, untilChanged, untilTrue } from '../support/events.ts'
import { NonceAudit } from '../support/nonce-audit.ts'
import { below, seededRandom } from '../support/random.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { Wire } from '../support/wire.ts'

const KEY = 'kill-9-must-not-lose-what-was-acked-0123456789'

interface Writer {
  readonly doc: Y.Doc
  readonly provider: SealedProvider
  readonly wire: Wire
  /** What this writer has typed, edit by edit, and how much of it was said to be durable. */
  readonly typed: string[]
  acked: number
  readonly progress: EventEmitter
}

let directory: string
let relay: ServerProcess
let capture: Capture
let audit: NonceAudit
let providers: SealedProvider[]

beforeEach(async () => {
  directory = mkdtempSync(`${tmpdir()}/y-sealed-kill-`)
  relay = await startRelayProcess(directory)
  capture = new Capture()
  audit = new NonceAudit()
  capture.onEnvelope(({ room, envelope }) => audit.observe(room, envelope))
  providers = []
})

afterEach(async () => {
  for (const provider of providers) provider.destroy()
  await relay.stop()
  rmSync(directory, { recursive: true, force: true })
  audit.assertClean()
})

function enter(): Writer {
  const doc = new Y.Doc()
  const wire = new Wire(capture)
  const provider = new SealedProvider(relay.url, 'killed', doc, {
    keys: staticKey(KEY),
    WebSocketPolyfill: wire.WebSocket,
    maxBackoffTime: 200,
  })
  providers.push(provider)
  return { doc, provider, wire, typed: [], acked: 0, progress: new EventEmitter() }
}

const words = ({ doc }: { doc: Y.Doc }): string[] => doc.getArray<string>('words').toArray()

/** Types one word at a time, as fast as the acks come, until told to stop; then all of it is durable. */
function typeOn(writer: Writer, name: string): { stop(): Promise<void> } {
  let isTyping = true
  const typing = (async () => {
    while (isTyping) {
      const word = `${name}${writer.typed.length}`
      writer.typed.push(word)
      writer.doc.getArray<string>('words').push([word])
      // While the relay is dead this waits, as a person would see "not saved yet".
      await writer.provider.flush()
      writer.acked = writer.typed.length
      writer.progress.emit('acked')
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  return {
    stop() {
      isTyping = false
      return patiently(typing, 'the last words to be durable')
    },
  }
}

test.each(['seed 1', 'seed 2'])(
  'kill -9 in mid-typing, ten times: every acked word survives, %s',
  async (seed) => {
    const random = seededRandom(seed)
    const alice = enter()
    const bob = enter()
    const writers = [alice, bob]
    await Promise.all(writers.map(({ provider }) => patiently(provider.whenSynced, 'the writers to be synced')))
    const typists = [typeOn(alice, 'a'), typeOn(bob, 'b')]

    for (let round = 0; round < 10; round++) {
      // Some acks into the round, so that the blow falls at another moment of an append each time.
      const goal = alice.acked + 1 + below(random, 40)
      await untilTrue(alice.progress, 'acked', () => alice.acked >= goal, `word ${goal} to be durable`)
      const promised = writers.map(({ typed, acked }) => typed.slice(0, acked))
      await relay.kill()
      // Nobody may help the relay remember: the writers stay away until it has shown what it knows by itself.
      for (const { wire } of writers) wire.unplug()
      await relay.restart()
      const reader = enter()
      await patiently(reader.provider.whenSynced, 'a reader of the restarted relay')
      const survived = new Set(words(reader))
      for (const word of promised.flat()) expect(survived).toContain(word)
      reader.provider.destroy()
      for (const { wire } of writers) wire.plug()
      await Promise.all(
        writers.map(({ provider }) => untilTrue(provider, 'sync', () => provider.synced, 'a writer to be back')),
      )
    }

    for (const typist of typists) await typist.stop()
    const all = new Set(writers.flatMap(({ typed }) => typed))
    for (const writer of writers) await untilChanged(writer.doc, () => words(writer).length === all.size)
    const reader = enter()
    await patiently(reader.provider.whenSynced, 'the last reader')
    expect(words(reader)).toHaveLength(all.size)
    expect(new Set(words(reader))).toEqual(all)
    expect(words(alice)).toEqual(words(reader))
    expect(words(bob)).toEqual(words(reader))
  },
  120_000,
)
