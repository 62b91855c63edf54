import { expect, it } from 'vitest'
import { answering } from '../../../server/relay/src/log/answering.ts'

it('who asks whether the store answers, while it is being asked, gets the same answer: the store hears one question at a time', async () => {
  let questions = 0
  let answer: (isWell: boolean) => void = () => {}
  const isAnswering = answering({
    head: () => {
      questions++
      return new Promise((resolve, reject) => {
        answer = (isWell) => (isWell ? resolve({ sequence: 0, hash: new Uint8Array(32) }) : reject(new Error('away')))
      })
    },
  })
  const crowd = Array.from({ length: 1_000 }, isAnswering)
  expect(questions).toBe(1)
  answer(false)
  expect(new Set(await Promise.all(crowd))).toEqual(new Set([false]))
  const later = isAnswering()
  expect(questions).toBe(2)
  answer(true)
  expect(await later).toBe(true)
})
