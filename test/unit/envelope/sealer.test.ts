import { createSealer, EnvelopeKind, type EpochKeys, openEnvelope, type SealingKey } from '@y-sealed/envelope'
import { createCounters, createSealerLife } from '@y-sealed/envelope/testing'
import { parseHeader } from '@y-sealed/protocol/header'
import { describe, expect, it } from 'vitest'
import { NonceAudit } from '../../support/nonce-audit.ts'
import { birth, bodyOf, deriveKeys, engines, errorOf, hex, text } from './fixtures.ts'

const { update, checkpoint, awareness, witness, local, crossTab } = EnvelopeKind
const counterOf = (envelopes: Uint8Array[]) => parseHeader(envelopes[0]!).counter

/** Keys whose engine completes when the test says so, in the order that the test says. */
function keysWithSlowEngine(keys: EpochKeys) {
  const waiting: { complete: () => void; fail: () => void }[] = []
  const slow: SealingKey = {
    seal: (_nonce, _aad, plaintext) =>
      new Promise((resolve, reject) => {
        const complete = () => resolve(plaintext)
        waiting.push({ complete, fail: () => reject(new Error('engine failed')) })
      }),
    sealNow: (_nonce, _aad, plaintext) => plaintext,
    forget: () => {},
  }
  return { keys: { ...keys, sealingKey: async () => slow }, waiting }
}

describe.each(engines.filter(({ name }) => name !== 'webcrypto'))('$name', (engine) => {
  it('[ENV-29] what is sealed at once and what is sealed in time are equal bytes, small and large', async () => {
    const keys = await deriveKeys({}, engine)
    for (const length of [0, 1, 24, 4094, 4095, 100_000, 300_000]) {
      const options = { epochIndex: 0, wire: false }
      const [one, other] = [await createSealer(keys, options), await createSealer(keys, options)]
      for (const sealer of [one, other]) {
        const now = sealer.sealNow(update, bodyOf(length))
        const later = await sealer.seal(update, bodyOf(length))
        const bodies = await Promise.all([...now, ...later].map((envelope) => openEnvelope(keys, envelope)))
        expect(bodies.map(({ counter }) => counter)).toEqual(bodies.map((_, at) => at + 1))
      }
      expect(one.salt).not.toEqual(other.salt)
    }
  })
})

it('[ENV-29] WebCrypto alone does not seal synchronously and says so', async () => {
  const sealer = await createSealer(await deriveKeys({}, engines[1]), { epochIndex: 0, wire: false })
  const error = await errorOf(() => sealer.sealNow(update, text('a')))
  expect(error).toMatchObject({ code: 'unsupported', fault: 'platform' })
})

it('[ENV-19] updates and witnesses share one counter, awareness has its own', async () => {
  const sealer = await createSealer(await deriveKeys(), { epochIndex: 0 })
  expect(counterOf(await sealer.seal(awareness, text('a')))).toBe(1)
  expect(counterOf(await sealer.seal(update, text('a'), { birth }))).toBe(1)
  expect(counterOf(await sealer.seal(witness, text('a')))).toBe(2)
  expect(counterOf(sealer.sealNow(awareness, text('a')))).toBe(2)
  expect(counterOf(sealer.sealNow(update, text('a')))).toBe(3)
  expect((await sealer.seal(update, bodyOf(600_000))).map((part) => parseHeader(part).counter)).toEqual([4, 5, 6])
  expect(counterOf(await sealer.seal(witness, text('a')))).toBe(7)
})

it('[ENV-19] counters are taken when seal is called, whatever the engine does later', async () => {
  const { keys, waiting } = keysWithSlowEngine(await deriveKeys())
  const sealer = await createSealer(keys, { epochIndex: 0 })
  const done: number[] = []
  const first = sealer.seal(update, text('a'), { birth }).then((envelopes) => done.push(counterOf(envelopes)))
  const second = sealer.seal(update, text('b')).then((envelopes) => done.push(counterOf(envelopes)))
  expect(counterOf(sealer.sealNow(update, text('c')))).toBe(3)
  waiting[1]!.complete()
  await Promise.resolve()
  expect(done).toEqual([])
  waiting[0]!.complete()
  await Promise.all([first, second])
  expect(done).toEqual([1, 2])
})

it('[ENV-19] a seal that fails in the engine spends its counter and fails nobody else', async () => {
  const { keys, waiting } = keysWithSlowEngine(await deriveKeys())
  const sealer = await createSealer(keys, { epochIndex: 0 })
  const first = sealer.seal(update, text('a'), { birth })
  const second = sealer.seal(update, text('b'))
  waiting[1]!.complete()
  waiting[0]!.fail()
  await expect(first).rejects.toThrow('engine failed')
  expect(counterOf(await second)).toBe(2)
})

it('[ENV-19] what is still being sealed when a page unloads is sealed again at once: the same counters, the same bytes', async () => {
  const sealer = await createSealer(await deriveKeys({}), { epochIndex: 0, wire: false })
  const slow = [sealer.seal(update, bodyOf(300_000)), sealer.seal(update, bodyOf(10))]
  const again = sealer.sealUnfinishedNow()
  expect(again).toEqual(await Promise.all(slow))
  expect(again.flat().map((envelope) => parseHeader(envelope).counter)).toEqual([1, 2, 3])
  await new Promise((resolve) => setImmediate(resolve))
  expect(sealer.sealUnfinishedNow()).toEqual([])
  expect(counterOf(sealer.sealNow(update, bodyOf(1)))).toBe(4)
})

it('[ENV-19] a body that its owner changes after the call is sealed as it was', async () => {
  const keys = await deriveKeys()
  const sealer = await createSealer(keys, { epochIndex: 0 })
  const body = text('before')
  const sealed = sealer.seal(update, body, { birth })
  body.fill(0)
  expect((await openEnvelope(keys, (await sealed)[0]!)).body).toEqual(text('before'))
})

it('[ENV-16] [ENV-19] no counter seals two texts, whatever its owner does to a large body meanwhile', async () => {
  const sealer = await createSealer(await deriveKeys(), { epochIndex: 0, wire: false, padding: false })
  const body = bodyOf(3_000_000)
  const sealing = sealer.seal(checkpoint, body)
  body.fill(1)
  const atUnload = sealer.sealUnfinishedNow().flat()
  body.fill(2)
  expect((await sealing).map(hex)).toEqual(atUnload.map(hex))
})

it('[ENV-19] a call that is refused takes no counter', async () => {
  const sealer = await createSealer(await deriveKeys(), { epochIndex: 0 })
  await errorOf(() => sealer.seal(update, text('a')))
  await errorOf(() => sealer.seal(update, text('a'), { birth: { sequence: -1, hash: birth.hash } }))
  await errorOf(() => sealer.seal(update, text('a'), { birth: { sequence: 0, hash: new Uint8Array(31) } }))
  await errorOf(() => sealer.seal(update, text('a'), { birth, slot: 'a' }))
  expect((await errorOf(() => sealer.seal(awareness, bodyOf(256 * 1024)))).code).toBe('limit')
  expect(counterOf(await sealer.seal(update, text('a'), { birth }))).toBe(1)
  await errorOf(() => sealer.seal(update, text('a'), { birth }))
  await errorOf(() => sealer.seal(witness, text('a'), { repair: true }))
  expect(counterOf(await sealer.seal(update, text('a')))).toBe(2)
  expect(counterOf(await sealer.seal(awareness, text('a')))).toBe(1)
})

it('[ENV-20] counter 1 of a wire sealer tells what its owner knew of the log, and only that', async () => {
  const keys = await deriveKeys()
  for (const kind of [update, witness]) {
    const sealer = await createSealer(keys, { epochIndex: 0 })
    expect(sealer.unborn).toBe(true)
    expect((await errorOf(() => sealer.seal(kind, text('a')))).code).toBe('caller')
    const known = { sequence: 2 ** 40, hash: bodyOf(32) }
    const [envelope] = await sealer.seal(kind, text('a'), { birth: known })
    expect(await openEnvelope(keys, envelope!)).toMatchObject({ birth: known, body: text('a') })
    expect(sealer.unborn).toBe(false)
    expect((await errorOf(() => sealer.seal(kind, text('a'), { birth }))).code).toBe('caller')
    const [next] = await sealer.seal(kind, text('a'))
    expect(await openEnvelope(keys, next!)).not.toHaveProperty('birth')
  }
  const attempt = await createSealer(keys, { epochIndex: 0, wire: false })
  expect((await errorOf(() => attempt.seal(update, text('a'), { birth }))).code).toBe('caller')
  await attempt.seal(update, text('a'))
  const sealer = await createSealer(keys, { epochIndex: 0 })
  expect((await errorOf(() => sealer.seal(awareness, text('a'), { birth }))).code).toBe('caller')
})

it('[ENV-19] a wire sealer seals what travels in the log, the others what does not', async () => {
  const keys = await deriveKeys()
  const wire = await createSealer(keys, { epochIndex: 0 })
  for (const kind of [checkpoint, local, crossTab]) {
    expect((await errorOf(() => wire.seal(kind, text('a')))).code).toBe('caller')
  }
  const own = await createSealer(keys, { epochIndex: 0, wire: false })
  for (const kind of [awareness, witness]) {
    expect((await errorOf(() => own.seal(kind, text('a')))).code).toBe('caller')
  }
  expect((await errorOf(() => own.seal(local, text('a')))).code).toBe('caller')
  expect((await errorOf(() => own.seal(local, text('a'), { slot: '\ud800' }))).code).toBe('caller')
  expect((await errorOf(() => own.seal(crossTab, text('a'), { slot: 'a' }))).code).toBe('caller')
  expect(counterOf(await own.seal(local, text('a'), { slot: 'a' }))).toBe(1)
  expect(counterOf(await own.seal(crossTab, text('a')))).toBe(1)
})

it('[ENV-16] a second checkpoint under one salt is refused: it would give both texts away', async () => {
  const sealer = await createSealer(await deriveKeys(), { epochIndex: 0, wire: false })
  await sealer.seal(checkpoint, text('a'))
  expect((await errorOf(() => sealer.seal(checkpoint, text('b')))).code).toBe('caller')
  expect((await errorOf(() => sealer.sealNow(checkpoint, text('b')))).code).toBe('caller')
})

it('[ENV-18] with a random source and a clock that stand still, no two salts of a process agree', async () => {
  const keys = await deriveKeys()
  const stuck = { epochIndex: 0, random: (bytes: number) => new Uint8Array(bytes), now: () => 0 }
  const salts = new Set<string>()
  for (let n = 0; n < 100; n++) salts.add(hex((await createSealer(keys, stuck)).salt))
  expect(salts.size).toBe(100)
})

it('[ENV-18] nobody who holds the salt of a sealer can change it', async () => {
  const sealer = await createSealer(await deriveKeys(), { epochIndex: 0 })
  const salt = sealer.salt.slice()
  sealer.salt.fill(0)
  const [envelope] = await sealer.seal(awareness, text('a'))
  expect(parseHeader(envelope!).salt).toEqual(salt)
})

it('[ENV-21] a retired sealer seals nothing, and what was asked for before completes', async () => {
  const keys = await deriveKeys()
  const sealer = await createSealer(keys, { epochIndex: 0 })
  const asked = sealer.seal(update, bodyOf(300_000), { birth })
  sealer.retire()
  sealer.retire()
  expect((await asked).length).toBe(2)
  expect((await errorOf(() => sealer.seal(update, text('a')))).code).toBe('caller')
  expect((await errorOf(() => sealer.sealNow(update, text('a')))).code).toBe('caller')
})

describe('[ENV-21] a sealer is spent', () => {
  const start = 1_790_000_000_000
  async function sealerWithClocks() {
    const clock = { unixMs: start, monotonicMs: 5 }
    const keys = keysWithSlowEngine(await deriveKeys()).keys
    const now = () => clock.unixMs
    const monotonic = () => clock.monotonicMs
    const sealer = await createSealer(keys, { epochIndex: 0, wire: false, padding: false, now, monotonic })
    const pass = (ms: number) => {
      clock.unixMs += ms
      clock.monotonicMs += ms
    }
    return { sealer, clock, pass }
  }

  it('[ENV-21] after an hour', async () => {
    const { sealer, pass } = await sealerWithClocks()
    pass(3_599_999)
    expect(sealer.isSpent()).toBe(false)
    pass(1)
    expect(sealer.isSpent()).toBe(true)
    expect((await sealerWithClocks()).sealer.isSpent(start + 3_600_000)).toBe(true)
  })

  it('[ENV-21] after 2^20 envelopes', async () => {
    const life = createSealerLife(
      () => 0,
      () => 0,
    )
    const sheet = { bytes: 2, plaintext: new Uint8Array(2), final: false }
    life.count(new Array(2 ** 20 - 1).fill(sheet))
    expect(life.isSpent()).toBe(false)
    life.count([sheet])
    expect(life.isSpent()).toBe(true)
  })

  it('[ENV-21] after 256 MiB', async () => {
    const { sealer } = await sealerWithClocks()
    const body = new Uint8Array(32 * 1024 * 1024 - 2)
    for (let n = 1; n < 8; n++) sealer.sealNow(crossTab, body)
    expect(sealer.isSpent()).toBe(false)
    sealer.sealNow(crossTab, body)
    expect(sealer.isSpent()).toBe(true)
  })

  it.each([-86_400_000, -5_001, 5_001, 86_400_000])('[ENV-21] when the wall clock jumps by %d ms', async (jumpMs) => {
    const { sealer, clock, pass } = await sealerWithClocks()
    pass(1000)
    clock.unixMs += Math.sign(jumpMs) * 5000
    expect(sealer.isSpent()).toBe(false)
    clock.unixMs = start + 1000 + jumpMs
    expect(sealer.isSpent()).toBe(true)
  })
})

it('[ENV-19] counters end at 2^24 and never start again', async () => {
  const counters = createCounters()
  expect(counters.take(update, 2 ** 24 - 2)).toBe(1)
  expect((await errorOf(() => counters.take(update, 3))).code).toBe('limit')
  expect(counters.take(witness, 2)).toBe(2 ** 24 - 1)
  for (const kind of [update, witness]) expect((await errorOf(() => counters.take(kind, 1))).code).toBe('limit')
  expect(counters.take(awareness, 1)).toBe(1)
})

it('[ENV-10] 30,000 envelopes of three sealers on one document repeat no nonce', async () => {
  const keys = await deriveKeys()
  const audit = new NonceAudit()
  for (let n = 0; n < 3; n++) {
    const sealer = await createSealer(keys, { epochIndex: 0, random: (bytes) => new Uint8Array(bytes), now: () => 0 })
    audit.observe('doc-1', sealer.sealNow(update, text('a'), { birth })[0]!)
    for (let i = 1; i < 10_000; i++) {
      const kind = i % 7 === 0 ? awareness : i % 5 === 0 ? witness : update
      audit.observe('doc-1', sealer.sealNow(kind, text('same text'))[0]!)
    }
  }
  expect(audit.observed).toBe(30_000)
  audit.assertClean()
})

it('[ENV-19] an epoch index that no header can hold makes no sealer', async () => {
  const keys = await deriveKeys()
  for (const epochIndex of [-1, 0.5, 2 ** 31, Number.NaN]) {
    expect((await errorOf(() => createSealer(keys, { epochIndex }))).code).toBe('caller')
  }
})
