import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { ownPort } from './own-port.mjs'

// Where Linux begins to give ports away by itself.
const EPHEMERAL = 32_768

it('ports of our own are apart, also of those who ask at once, and below all that the kernel gives', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => ownPort()))
  expect(new Set(ports).size).toBe(ports.length)
  expect(Math.max(...ports)).toBeLessThan(EPHEMERAL)
})

it('one that somebody has is not given', async () => {
  const taken = createServer()
  const next = (await ownPort()) + 1
  await new Promise<void>((resolve) => taken.listen(next, '127.0.0.1', resolve))
  expect(await ownPort()).not.toBe(next)
  await new Promise((resolve) => taken.close(resolve))
})

it('and who asks for more than there are gets those whose servers have ended', async () => {
  for (let i = 0; i < 120; i++) expect(await ownPort()).toBeLessThan(EPHEMERAL)
})
