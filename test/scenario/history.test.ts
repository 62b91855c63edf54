import { afterEach, describe, expect, it } from 'vitest'
import { untilEqual } from '../support/convergence.ts'
import { startWorld, type World } from '../support/world.ts'

// Old epochs stay readable: every one of them, at every sequence, by whoever may have its key.

let world: World
afterEach(() => world.close())

/** Types, remembering the text after each entry, and rotates in between. */
async function write(room = 'room'): Promise<Map<number, { epoch: number; text: string }>> {
  const ada = await world.joined('ada', { room })
  const states = new Map<number, { epoch: number; text: string }>()
  let sequence = 0
  for (let epoch = 0; epoch < 4; epoch++) {
    states.set(sequence, { epoch, text: ada.text.toString() })
    for (const word of ['one ', 'two ', 'three ']) {
      if (epoch === 2) ada.text.delete(0, 2)
      else ada.text.insert(epoch % 2 === 0 ? 0 : ada.text.length, `${word}in ${epoch} `)
      await ada.provider.flush()
      sequence++
      states.set(sequence, { epoch, text: ada.text.toString() })
    }
    if (epoch < 3) await ada.provider.rotateKey()
  }
  ada.provider.destroy()
  return states
}

it('every epoch opens at every sequence of its log, and shows what the document was then', async () => {
  world = await startWorld()
  const states = await write()
  const reader = await world.joined('reader')
  const epochs = await reader.provider.epochs()
  expect(epochs.map(({ index, from, to, locked }) => [index, from, to, locked])).toEqual([
    [0, 1, 3, undefined],
    [1, 4, 6, undefined],
    [2, 7, 9, undefined],
    // Who wrote has said at the end what it had seen.
    [3, 10, 13, undefined],
  ])
  expect(epochs[0]?.at).toBeUndefined()
  for (const { at } of epochs.slice(1)) expect(at).toBeGreaterThan(Date.UTC(2024, 0))
  expect(epochs.at(-1)?.fingerprint).toBe(reader.provider.epoch?.fingerprint)
  for (const [sequence, { epoch, text }] of states) {
    const past = await reader.provider.openEpoch(epoch, sequence)
    expect([sequence, past.getText('text').toString()]).toEqual([sequence, text])
    past.destroy()
  }
  const ended = await reader.provider.openEpoch(1)
  expect(ended.getText('text').toString()).toBe(states.get(6)?.text)
})

it('what is done to a past document does not reach the living one, and the living one goes on meanwhile', async () => {
  world = await startWorld()
  await write()
  const [reader, writer] = [await world.joined('reader'), await world.joined('writer')]
  const before = reader.text.toString()
  const opening = reader.provider.openEpoch(0)
  writer.text.insert(0, 'meanwhile ')
  const past = await opening
  past.getText('text').insert(0, 'only here ')
  await writer.provider.flush()
  await untilEqual([reader.doc, writer.doc])
  expect(reader.text.toString()).toBe(`meanwhile ${before}`)
  expect(await world.freshText()).toBe(`meanwhile ${before}`)
})

it('a place that does not exist is a RangeError; offline the history is interrupted, and comes back with the connection', async () => {
  world = await startWorld()
  const states = await write()
  const reader = await world.joined('reader')
  await expect(reader.provider.openEpoch(7)).rejects.toThrow(RangeError)
  await expect(reader.provider.openEpoch(1, 99)).rejects.toThrow(RangeError)
  await expect(reader.provider.openEpoch(1, 1)).rejects.toThrow(RangeError)
  reader.provider.disconnect()
  await expect(reader.provider.openEpoch(1)).rejects.toMatchObject({ code: 'interrupted' })
  await expect(reader.provider.epochs()).rejects.toMatchObject({ code: 'interrupted' })
  const back = new Promise((resolve) => reader.provider.once('synced', resolve))
  reader.provider.connect()
  await back
  const past = await reader.provider.openEpoch(0)
  expect(past.getText('text').toString()).toBe(states.get(3)?.text)
})

describe('an old key that is not to be had', () => {
  it('because it was shredded: that epoch is locked, the others open, and everybody goes on writing', async () => {
    world = await startWorld()
    const states = await write()
    const ada = await world.joined('ada')
    const [, second] = await ada.provider.epochs()
    await world.keyAct('shred', { keyHint: second?.keyHint })
    const reader = await world.joined('reader')
    expect((await reader.provider.epochs()).map(({ locked }) => locked)).toEqual([
      undefined,
      'key-unknown',
      undefined,
      undefined,
    ])
    await expect(reader.provider.openEpoch(1)).rejects.toMatchObject({ code: 'key-unknown' })
    for (const [index, sequence] of [
      [0, 3],
      [2, 9],
    ] as const) {
      const past = await reader.provider.openEpoch(index)
      expect(past.getText('text').toString()).toBe(states.get(sequence)?.text)
    }
    reader.text.insert(0, 'goes on ')
    await reader.provider.flush()
    expect(reader.problems).toEqual([])
  })

  it('because this member came later: read-old is refused, the present is not', async () => {
    world = await startWorld({
      access: (who, purpose) => (who === 'late' && purpose === 'read-old' ? undefined : 'write'),
    })
    await write()
    const late = await world.joined('late', { keys: world.keysAs('late') })
    expect((await late.provider.epochs()).map(({ locked }) => locked)).toEqual([
      'key-refused',
      'key-refused',
      'key-refused',
      undefined,
    ])
    await expect(late.provider.openEpoch(0)).rejects.toMatchObject({ code: 'key-refused' })
    late.text.insert(0, 'goes on ')
    await late.provider.flush()
    expect(late.problems).toEqual([])
  })
})
