import type { Checkpoint, Down, Fetch, Up } from '@y-sealed/protocol'
import { describe, expect, it } from 'vitest'
import { CheckpointFetch } from '../../../packages/provider/src/checkpoint/checkpoint-fetch.ts'

const checkpoint = new Uint8Array(32).fill(9)
const chunk = (number: number): Uint8Array => new Uint8Array(10).fill(number)

/** A fetch and what it has asked the relay for. */
function fetching(last?: number) {
  const asked: Fetch[] = []
  let request = 0
  const fetch = new CheckpointFetch(
    {
      channel: () => 7,
      nextRequest: () => ++request,
      send: (messages: Up[]) => asked.push(...messages.filter((message) => message.type === 'fetch')),
    },
    checkpoint,
    last,
  )
  const answer = (members: Partial<Checkpoint>): boolean =>
    fetch.takes({ type: 'checkpoint', channel: 7, request, first: 1, total: 3, chunks: [chunk(1)], ...members })
  return { fetch, asked, answer }
}

describe('fetching a checkpoint', () => {
  it('gives all chunks in order, however many come at a time', async () => {
    const { fetch, asked, answer } = fetching()
    const chunks = fetch.start()
    expect(asked).toEqual([{ type: 'fetch', channel: 7, request: 1, checkpoint, first: 1, last: 0 }])
    expect(answer({ chunks: [chunk(1), chunk(2)] })).toBe(true)
    expect(answer({ first: 3, chunks: [chunk(3)] })).toBe(true)
    expect(await chunks).toEqual([chunk(1), chunk(2), chunk(3)])
    expect(fetch.total).toBe(3)
    // What comes now is nobody's.
    expect(answer({})).toBe(false)
  })

  it('asks for the first chunk only, and knows how many there are', async () => {
    const { fetch, asked, answer } = fetching(1)
    const chunks = fetch.start()
    expect(asked[0]).toMatchObject({ first: 1, last: 1 })
    answer({})
    expect([await chunks, fetch.total]).toEqual([[chunk(1)], 3])
  })

  it('leaves everything else to the session', () => {
    const { fetch, answer } = fetching()
    expect(answer({})).toBe(false)
    fetch.start().catch(() => {})
    const others: Down[] = [
      { type: 'checkpoint', channel: 7, request: 2, first: 1, total: 1, chunks: [chunk(1)] },
      { type: 'refused', channel: 7, request: 0, code: 'internal', detail: '' },
      { type: 'staged', channel: 7, request: 1 },
      { type: 'heartbeat', channel: 7, sequence: 0, hash: new Uint8Array(0) },
    ]
    expect(others.map((message) => fetch.takes(message))).toEqual([false, false, false, false])
  })

  it('goes on where it stopped when the connection is another', async () => {
    const { fetch, asked, answer } = fetching()
    const before = fetch.start()
    answer({ chunks: [chunk(1), chunk(2)] })
    fetch.stop()
    await expect(before).rejects.toMatchObject({ code: 'interrupted', where: 'checkpoint' })
    const after = fetch.start()
    expect(asked.map(({ first }) => first)).toEqual([1, 3])
    answer({ first: 3, chunks: [chunk(3)] })
    expect(await after).toEqual([chunk(1), chunk(2), chunk(3)])
  })

  it('is over when the relay does not have it', async () => {
    const { fetch } = fetching()
    const chunks = fetch.start()
    expect(fetch.takes({ type: 'refused', channel: 7, request: 1, code: 'unknown', detail: '' })).toBe(true)
    await expect(chunks).rejects.toMatchObject({ code: 'withheld', where: 'checkpoint' })
  })

  it('is over when the relay refuses for another reason', async () => {
    const { fetch } = fetching()
    const chunks = fetch.start()
    fetch.takes({ type: 'refused', channel: 7, request: 1, code: 'limit', detail: '' })
    await expect(chunks).rejects.toMatchObject({ code: 'relay-fault' })
  })
})

describe('a relay that answers what was not asked is not listened to:', () => {
  const hostile: Array<[string, Array<Partial<Checkpoint>>, number?]> = [
    ['it begins with chunk 2', [{ first: 2 }]],
    ['it says chunk 1 twice', [{}, {}]],
    ['it leaves out chunk 2', [{}, { first: 3 }]],
    ['it has more than it says', [{ total: 1, chunks: [chunk(1), chunk(2)] }]],
    ['it changes its mind about the total', [{}, { first: 2, total: 4 }]],
    ['it answers with nothing', [{ chunks: [] }]],
    ['it names more chunks than a checkpoint may have', [{ total: 1_025 }]],
    ['it sends more than was asked for', [{ chunks: [chunk(1), chunk(2)] }], 1],
  ]
  for (const [what, answers, last] of hostile) {
    it(what, async () => {
      const { fetch, answer } = fetching(last)
      const chunks = fetch.start()
      for (const each of answers) answer(each)
      await expect(chunks).rejects.toMatchObject({ code: 'relay-fault', where: 'checkpoint' })
      // Nothing of it is built on.
      expect([fetch.total, answer({})]).toEqual([undefined, false])
    })
  }

  it('it goes on for ever: 64 MiB are the end', async () => {
    const { fetch, answer } = fetching()
    const chunks = fetch.start()
    let taken = 0
    const mebibyte = [0, 1, 2, 3].map(() => new Uint8Array(256 * 1024))
    for (let first = 1; answer({ first, total: 1_024, chunks: mebibyte }); first += 4) taken++
    await expect(chunks).rejects.toMatchObject({ code: 'relay-fault' })
    expect(taken).toBe(65)
  })
})
