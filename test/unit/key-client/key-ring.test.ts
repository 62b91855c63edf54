import { createKeyRing, KeyError, type KeySource } from '@y-sealed/key-client'
import { describe, expect, it } from 'vitest'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { seededRandom } from '../../support/random.ts'
import { LONE_SURROGATE, never, scripted } from './fixtures.ts'

const KEY = 'Zq1Wd8Rk4Tn7Xv2Bm5Lc9Hs3Gj6Fp0Ya'
const RECORD = 'A'.repeat(43)
const answer = () => ({ key: KEY, keyHint: 'h1', epoch: 1, active: true })
const fail =
  (code: ConstructorParameters<typeof KeyError>[0], details = {}) =>
  () => {
    throw new KeyError(code, 'as told', details)
  }

function ringOf(source: KeySource, random = () => 0.5) {
  const clock = new FakeClock()
  return { clock, ring: createKeyRing({ source, documentId: 'doc-1', clock, random }) }
}

describe('asking', () => {
  it('passes document and hint on, and gives back the key under the hint that counts', async () => {
    const { source, requests } = scripted(answer)
    const { ring } = ringOf(source)
    expect(await ring.ask(null)).toEqual({ key: KEY, keyHint: 'h1', epoch: 1, active: true })
    expect(await ring.ask('')).toMatchObject({ keyHint: '' })
    expect(requests).toEqual([
      { documentId: 'doc-1', keyHint: null },
      { documentId: 'doc-1', keyHint: '' },
    ])
  })

  it('takes a missing or null hint in the answer to null as the empty one, and a key without `active` as active', async () => {
    for (const keyHint of [undefined, null]) {
      const { ring } = ringOf(() => ({ key: KEY, keyHint }))
      expect(await ring.ask(null)).toEqual({ key: KEY, keyHint: '', active: true })
    }
  })

  it('gives a hint in any other answer no effect', async () => {
    const { ring } = ringOf(() => ({ key: KEY, keyHint: 'something else' }))
    expect((await ring.ask('h1')).keyHint).toBe('h1')
  })

  it('passes `after` on, and asks that apart from the plain question', async () => {
    const { source, requests } = scripted(answer)
    const { ring } = ringOf(source)
    await Promise.all([ring.ask(null), ring.ask(null, { after: 'h0' })])
    expect(requests).toContainEqual({ documentId: 'doc-1', keyHint: null, after: 'h0' })
    expect(requests).toHaveLength(2)
  })

  it('gives the record hash back that the source keeps, or null while it keeps none', async () => {
    const { ring } = ringOf(
      scripted(
        answer,
        () => ({ ...answer(), record: null }),
        () => ({ ...answer(), record: RECORD }),
      ).source,
    )
    expect(await ring.ask('h1')).not.toHaveProperty('record')
    expect((await ring.ask('h1')).record).toBe(null)
    expect((await ring.ask('h1')).record).toBe(RECORD)
  })

  it('reports a record hash to a source that has shown that it keeps them, and to no other', async () => {
    const { source, requests } = scripted(answer, answer, () => ({ ...answer(), record: null }), answer)
    const { ring } = ringOf(source)
    const plain = { documentId: 'doc-1', keyHint: 'h1' }
    for (let time = 0; time < 4; time++) await ring.ask('h1', { record: RECORD })
    expect(requests).toEqual([plain, plain, plain, { ...plain, record: RECORD }])
  })

  it('refuses to report a record hash without the hint it stands for', async () => {
    const { source, requests } = scripted(answer)
    await expect(ringOf(source).ring.ask(null, { record: RECORD })).rejects.toMatchObject({ code: 'key-invalid' })
    expect(requests).toEqual([])
  })

  it('asks again each time, since the answer also says whether the key is still active', async () => {
    const { ring } = ringOf(scripted(answer, () => ({ ...answer(), active: false })).source)
    expect((await ring.ask('h1')).active).toBe(true)
    expect((await ring.ask('h1')).active).toBe(false)
  })

  it('flies once for everybody who asks the same meanwhile', async () => {
    const { source, requests } = scripted(async () => answer())
    const { ring } = ringOf(source)
    const answers = await Promise.all(Array.from({ length: 50 }, () => ring.ask('h1')))
    expect(requests).toHaveLength(1)
    expect(new Set(answers.map(({ key }) => key))).toEqual(new Set([KEY]))
  })
})

describe('a source may be any function', () => {
  it('that returns a plain object', async () => {
    const { ring } = ringOf(answer)
    expect((await ring.ask('h1')).key).toBe(KEY)
  })

  it('that returns a thenable which is no Promise', async () => {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
      then: (resolve: (value: unknown) => void) => resolve(answer()),
    }
    const { ring } = ringOf(() => thenable)
    expect((await ring.ask('h1')).key).toBe(KEY)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('database is on fire')
      },
    ],
    ['rejects', () => Promise.reject(new Error('database is on fire'))],
    ['rejects with nothing', () => Promise.reject(undefined)],
  ])('and counts as unavailable if it %s, without its words', async (_how, source) => {
    const { ring } = ringOf(source)
    const error = await ring.ask('h1').catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'key-unavailable', retryable: true })
    expect(String(error)).not.toContain('fire')
  })

  it('and is given up after 60 s, with its signal aborted, if it never settles', async () => {
    let given: AbortSignal | undefined
    const { clock, ring } = ringOf((_request, options) => {
      given = options?.signal
      return never()
    })
    const asked = ring.ask('h1').catch((error: unknown) => error)
    await clock.advance(59_999)
    expect(given?.aborted).toBe(false)
    await clock.advance(1)
    expect(await asked).toMatchObject({ code: 'key-unavailable', retryable: true })
    expect(given?.aborted).toBe(true)
    expect(clock.waiting).toBe(0)
  })

  it.each([undefined, null, 123, '', {}, { key: '' }, { key: 5 }, { key: LONE_SURROGATE }])(
    'and %j is not an answer: key-invalid, not worth a retry',
    async (bad) => {
      const { ring } = ringOf(() => bad)
      await expect(ring.ask('h1')).rejects.toMatchObject({ code: 'key-invalid', fault: 'bytes', retryable: false })
    },
  )
})

describe('a hint that a relay made up', () => {
  it.each([
    ['of 1 MB', 'x'.repeat(1_000_000)],
    ['that is an object', { length: 2 }],
    ['with a lone surrogate', LONE_SURROGATE],
    ['that is undefined', undefined],
  ])('%s is refused before anything is asked', async (_what, hint) => {
    const { source, requests } = scripted(answer)
    const { ring } = ringOf(source)
    // A hostile relay does not heed the types.
    await expect(ring.ask(hint as string)).rejects.toMatchObject({ code: 'key-invalid' })
    expect(requests).toEqual([])
  })

  it('does not fill memory: thousands that are unknown push each other out', async () => {
    const { source, requests } = scripted(fail('key-unknown'))
    const { ring } = ringOf(source)
    for (let hint = 0; hint < 1_000; hint++) await ring.ask(`h${hint}`).catch(() => {})
    await ring.ask('h0').catch(() => {})
    await ring.ask('h999').catch(() => {})
    expect(requests).toHaveLength(1_001)
  })
})

describe('after a failure', () => {
  it('never asks again of its own accord: each call is one attempt', async () => {
    const { source, requests } = scripted(fail('key-unavailable'))
    const { clock, ring } = ringOf(source)
    await expect(ring.ask('h1')).rejects.toMatchObject({ code: 'key-unavailable' })
    await clock.advance(3_600_000)
    expect(requests).toHaveLength(1)
  })

  it('lets the next call wait, twice as long each time up to 30 s, until one succeeds', async () => {
    const { source, requests } = scripted(fail('key-unavailable'))
    const { clock, ring } = ringOf(source, () => 1)
    await ring.ask('h1').catch(() => {})
    const waitsMs = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
    for (const [index, waitMs] of waitsMs.entries()) {
      const asked = ring.ask('h1').catch(() => {})
      await clock.advance(waitMs - 1)
      expect(requests, `before ${waitMs} ms`).toHaveLength(index + 1)
      await clock.advance(1)
      expect(requests, `after ${waitMs} ms`).toHaveLength(index + 2)
      await asked
    }
  })

  it('starts from the shortest wait again once an answer came', async () => {
    const { source } = scripted(
      fail('key-unavailable'),
      fail('key-unavailable'),
      answer,
      fail('key-unavailable'),
      answer,
    )
    const { clock, ring } = ringOf(source, () => 1)
    for (const waitMs of [0, 500, 1_000, 0, 500]) {
      const asked = ring.ask('h1').then(
        () => 'done',
        () => 'done',
      )
      if (waitMs > 0) {
        await clock.advance(waitMs - 1)
        expect(await Promise.race([asked, settle()])).toBeUndefined()
        await clock.advance(1)
      }
      expect(await asked).toBe('done')
    }
  })

  it('spreads a thousand editors over half of the wait [seed jitter-1]', async () => {
    const random = seededRandom('jitter-1')
    const dueMs = await Promise.all(
      Array.from({ length: 1_000 }, async () => {
        let wait = 0
        const clock = new FakeClock()
        const source = scripted(fail('key-unavailable')).source
        const ring = createKeyRing({
          source,
          documentId: 'doc-1',
          random,
          clock: {
            now: () => clock.now(),
            clearTimeout: (timer) => clock.clearTimeout(timer),
            setTimeout: (run, delayMs) => {
              wait = delayMs
              return clock.setTimeout(run, delayMs)
            },
          },
        })
        await ring.ask('h1').catch(() => {})
        void ring.ask('h1').catch(() => {})
        await Promise.resolve()
        ring.forget()
        return wait
      }),
    )
    expect(Math.min(...dueMs)).toBeGreaterThanOrEqual(250)
    expect(Math.max(...dueMs)).toBeLessThanOrEqual(500)
    expect(new Set(dueMs.map((ms) => Math.floor((ms - 250) / 25))).size).toBeGreaterThanOrEqual(10)
  })

  it('waits at least as long as the endpoint wishes', async () => {
    const { source, requests } = scripted(fail('key-unavailable', { retryAfterMs: 120_000 }), answer)
    const { clock, ring } = ringOf(source)
    await ring.ask('h1').catch(() => {})
    const asked = ring.ask('h1')
    await clock.advance(119_999)
    expect(requests).toHaveLength(1)
    await clock.advance(1)
    expect((await asked).key).toBe(KEY)
  })

  it('is not held back by a wall clock that was set back a day', async () => {
    let shiftMs = 0
    const clock = new FakeClock()
    const { source } = scripted(fail('key-unavailable'), answer)
    const ring = createKeyRing({
      source,
      documentId: 'doc-1',
      random: () => 1,
      clock: {
        now: () => clock.now() + shiftMs,
        setTimeout: (run, delayMs) => clock.setTimeout(run, delayMs),
        clearTimeout: (timer) => clock.clearTimeout(timer),
      },
    })
    await ring.ask('h1').catch(() => {})
    shiftMs = -86_400_000
    const asked = ring.ask('h1')
    await clock.advance(500)
    expect((await asked).key).toBe(KEY)
  })
})

describe('a refusal', () => {
  it.each(['key-refused', 'key-unknown'] as const)('%s is remembered for 30 s, for that hint only', async (code) => {
    const { source, requests } = scripted(fail(code), answer)
    const { clock, ring } = ringOf(source)
    await expect(ring.ask('h1')).rejects.toMatchObject({ code, retryable: false })
    await clock.advance(29_000)
    await expect(ring.ask('h1')).rejects.toMatchObject({ code, retryAfterMs: 1_000 })
    expect(requests).toHaveLength(1)
    expect((await ring.ask('h2')).key).toBe(KEY)
    await clock.advance(1_000)
    expect((await ring.ask('h1')).key).toBe(KEY)
  })

  it('is not remembered where it says only that the answer was bad', async () => {
    const { ring } = ringOf(scripted(() => ({}), answer).source)
    await expect(ring.ask('h1')).rejects.toMatchObject({ code: 'key-invalid' })
    expect((await ring.ask('h1')).key).toBe(KEY)
  })
})

describe('the key for a new epoch', () => {
  it('is asked for again under the hint that came with it', async () => {
    const { source, requests } = scripted(answer)
    const { ring } = ringOf(source)
    expect(await ring.confirmNew()).toMatchObject({ key: KEY, keyHint: 'h1' })
    expect(requests.map(({ keyHint }) => keyHint)).toEqual([null, 'h1'])
  })

  it('is good once a replica that was behind knows the hint, too', async () => {
    const { source, requests } = scripted(answer, fail('key-unknown'), () => ({ key: 'another' }), answer)
    const { clock, ring } = ringOf(source)
    const confirmed = ring.confirmNew()
    await clock.advance(10_000)
    expect(await confirmed).toMatchObject({ key: KEY, keyHint: 'h1' })
    expect(requests).toHaveLength(4)
  })

  it('is good as well where a replica says 403 for a hint that it does not know yet', async () => {
    const { source, requests } = scripted(answer, fail('key-refused'), answer)
    const { clock, ring } = ringOf(source)
    const confirmed = ring.confirmNew()
    await clock.advance(10_000)
    expect(await confirmed).toMatchObject({ key: KEY, keyHint: 'h1' })
    expect(requests).toHaveLength(3)
  })

  it.each(['key-refused', 'key-unknown'] as const)('is refused if the source says %s each time', async (code) => {
    const { source, requests } = scripted(answer, fail(code))
    const { clock, ring } = ringOf(source)
    const confirmed = ring.confirmNew().catch((error: unknown) => error)
    await clock.advance(10_000)
    expect(await confirmed).toMatchObject({ code: 'key-invalid' })
    expect(requests).toHaveLength(4)
  })

  it('is refused if the source makes one each time: what is sealed under it could never be opened', async () => {
    let count = 0
    const { clock, ring } = ringOf(() => ({ key: `${KEY}${count++}`, keyHint: 'h1' }))
    const confirmed = ring.confirmNew().catch((error: unknown) => error)
    await clock.advance(10_000)
    expect(await confirmed).toMatchObject({ code: 'key-invalid' })
    expect(count).toBe(4)
  })

  it('is not given up for an outage between the questions: that is told apart', async () => {
    const { ring } = ringOf(scripted(answer, fail('key-unavailable')).source)
    await expect(ring.confirmNew()).rejects.toMatchObject({ code: 'key-unavailable', retryable: true })
  })
})

describe('forgetting', () => {
  it('gives up what is in flight and what waits, leaves no timer, and the ring can be used again', async () => {
    const { source } = scripted(fail('key-unavailable'), never, fail('key-refused'), answer)
    const { clock, ring } = ringOf(source)
    await ring.ask('h1').catch(() => {})
    const waiting = ring.ask('h1').catch((error: unknown) => error)
    await settle()
    ring.forget()
    expect(await waiting).toMatchObject({ code: 'key-unavailable', retryable: false })
    const flying = ring.ask('h1').catch((error: unknown) => error)
    await settle()
    ring.forget()
    expect(await flying).toMatchObject({ code: 'key-unavailable', retryable: false })
    expect(clock.waiting).toBe(0)
    await expect(ring.ask('h1')).rejects.toMatchObject({ code: 'key-refused' })
    ring.forget()
    expect((await ring.ask('h1')).key).toBe(KEY)
    expect(clock.waiting).toBe(0)
  })
})

describe('a ring cannot be made', () => {
  it('without a source: key-missing', () => {
    // What a caller without TypeScript may pass.
    const options = { documentId: 'd' } as unknown as Parameters<typeof createKeyRing>[0]
    expect(() => createKeyRing(options)).toThrow(expect.objectContaining({ code: 'key-missing' }))
  })

  it.each([
    ['is empty', ''],
    ['is too long', 'x'.repeat(1_025)],
    ['has no UTF-8 form', LONE_SURROGATE],
    ['is a number', 5],
  ])('for a document id that %s', (_what, documentId) => {
    expect(() => createKeyRing({ source: answer, documentId: documentId as string })).toThrow(TypeError)
  })

  it('with an option it does not know', () => {
    const options = { source: answer, documentId: 'd', timeout: 5 }
    expect(() => createKeyRing(options)).toThrow(new TypeError('createKeyRing: unknown option "timeout"'))
  })
})
