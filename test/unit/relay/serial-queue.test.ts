import { expect, it } from 'vitest'
import { HeldBytes } from '../../../server/relay/src/session/held-bytes.ts'
import { SerialQueue } from '../../../server/relay/src/session/serial-queue.ts'
import { Staging } from '../../../server/relay/src/session/staging.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

it('one task after the other, in order, and no more waiting than allowed', async () => {
  const queue = new SerialQueue(2, (error) => expect.unreachable(String(error)))
  const done: number[] = []
  const gates: (() => void)[] = []
  const task = (name: number) => async () => {
    await new Promise<void>((resolve) => gates.push(resolve))
    done.push(name)
  }
  expect([1, 2, 3, 4].map((name) => queue.add(task(name)))).toEqual([true, true, true, false])
  for (let i = 0; i < 3; i++) {
    expect(gates).toHaveLength(i + 1)
    gates[i]?.()
    await settled()
  }
  expect(done).toEqual([1, 2, 3])
  expect(queue.add(task(5))).toBe(true)
})

it('what waits for nothing is over at once, and a task that fails in either way is told and holds nobody up', async () => {
  const failures: unknown[] = []
  const done: string[] = []
  const queue = new SerialQueue(9, (error) => failures.push(error))
  queue.add(() => void done.push('at once'))
  expect(done).toEqual(['at once'])
  queue.add(async () => {
    await settled()
    throw 'later'
  })
  queue.add(() => {
    throw 'now'
  })
  queue.add(() => void done.push('after them'))
  expect(failures).toEqual([])
  await settled()
  await settled()
  expect(failures).toEqual(['later', 'now'])
  expect(done).toEqual(['at once', 'after them'])
})

it('staged bytes are given back by whatever ends a request', () => {
  const held = new HeldBytes(100)
  const nothing = { runs: [], chunks: [] }
  const staging = new Staging(held, 80)
  const stage = (request: number, bytes: number) => {
    expect(held.take(bytes)).toBe(true)
    staging.add(request, nothing, bytes)
  }
  stage(1, 60)
  expect(held.take(60)).toBe(false)
  stage(2, 40)
  // Request 2 has dropped what request 1 had staged: 60 of 100 are free again.
  expect(held.take(61)).toBe(false)
  expect(held.take(60)).toBe(true)
  held.release(60)
  expect(() => staging.add(2, nothing, 41)).toThrow(expect.objectContaining({ code: 'limit' }))
  expect(staging.take(2, nothing, 0)).toEqual({ ...nothing, bytes: 40 })
  held.release(40)
  expect(held.take(100)).toBe(true)
})
