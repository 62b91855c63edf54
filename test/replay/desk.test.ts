import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { projectRoot } from '../support/project-root.ts'
import { below, seededRandom } from '../support/random.ts'
import { sharedData } from '../support/shared-data.ts'
import { type Author, typeConcurrent } from './author.ts'
import { cutUpdate } from './cut.ts'
import { readTrace } from './trace.ts'

describe('a piece cut out of a document', () => {
  test('ends in the middle of what was typed as one, and leaves out deletions that came later', () => {
    const source = new Y.Doc({ gc: false })
    source.clientID = 7
    source.getText('text').insert(0, 'one two three')
    source.getText('text').delete(0, 4)
    const copy = new Y.Doc()
    Y.applyUpdate(copy, cutUpdate(source, [{ client: 7, from: 0, to: 7 }], []))
    expect(copy.getText('text').toString()).toBe('one two')
    Y.applyUpdate(copy, cutUpdate(source, [{ client: 7, from: 7, to: 13 }], [{ client: 7, from: 0, to: 4 }]))
    expect(copy.getText('text').toString()).toBe('two three')
    expect(source.getText('text').toString()).toBe('two three')
  })
})

describe('desks beside documents that hear of everything late, merged and in another order', () => {
  test.each(['seed 1', 'seed 2', 'seed 3'])('reproduce the generated trace of three authors, %s', async (seed) => {
    await expectReplayed(`${projectRoot()}/test/traces/concurrent.json.gz`, seed)
  })

  const realTrace = sharedData('friendsforever.concurrent.json.gz')
  test.skipIf(realTrace === undefined)('reproduce a recorded history of two writers (needs the shared data)', () =>
    expectReplayed(realTrace ?? '', 'seed 4'),
  )
})

async function expectReplayed(path: string, seed: string): Promise<void> {
  const trace = readTrace(path)
  const authors = gossip(trace.agents, seed)
  const desks = await typeConcurrent(trace, authors)
  for (const text of [...authors.map(({ doc }) => doc.getText('text')), ...desks.map((desk) => desk.text)]) {
    expect(text.toString()).toBe(trace.endContent)
  }
}

/** Documents whose updates reach the others some turns later, several merged into one: a relay without a relay. */
function gossip(count: number, seed: string): Author[] {
  const random = seededRandom(seed)
  const docs = Array.from({ length: count }, () => new Y.Doc({ gc: false }))
  return docs.map((doc) => {
    const waiting = docs.map((): Uint8Array[] => [])
    const deliver = (to: number): void => {
      const updates = waiting[to]?.splice(0) ?? []
      if (updates.length > 0) Y.applyUpdate(docs[to] as Y.Doc, Y.mergeUpdates(updates), 'gossip')
    }
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === 'gossip') return
      docs.forEach((other, to) => {
        if (other === doc) return
        waiting[to]?.push(update)
        let turns = below(random, 20)
        const wait = (): void => {
          if (turns-- > 0) setImmediate(wait)
          else deliver(to)
        }
        wait()
      })
    })
    return { doc, provider: { flush: async () => {} } }
  })
}
