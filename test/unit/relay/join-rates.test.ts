import { describe, expect, it } from 'vitest'
import { JoinRates } from '../../../server/relay/src/auth/join-rates.ts'
import { TokenBucket } from '../../../server/relay/src/token-bucket.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** How many of so many were taken. */
const taken = (take: () => boolean, tries = 1_000) => Array.from({ length: tries }, take).filter(Boolean).length

describe('a token bucket', () => {
  it('has so many at once, and then so many a second, and never more than at once', async () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(clock, { burst: 5, perSecond: 2 })
    const take = () => bucket.take()
    expect(taken(take)).toBe(5)
    expect(bucket.waitMs).toBe(500)
    await clock.advance(499)
    expect(taken(take)).toBe(0)
    await clock.advance(1)
    expect(taken(take)).toBe(1)
    await clock.advance(60_000)
    expect(bucket.isFull).toBe(true)
    expect(taken(take)).toBe(5)
  })
})

describe('how often tokens are looked at', () => {
  const rates = (clock: FakeClock) => new JoinRates(clock, { burst: 10, perSecond: 1 }, { burst: 25, perSecond: 5 })

  it('each connection has its share, and all of a client have one together', async () => {
    const clock = new FakeClock()
    const of = rates(clock)
    expect(taken(of.connect('a'))).toBe(10)
    expect(taken(of.connect('a'))).toBe(10)
    const third = of.connect('a')
    expect(taken(third)).toBe(5)
    expect(taken(of.connect('b'))).toBe(10)
    await clock.advance(1_000)
    expect(taken(third)).toBe(1)
  })

  it('who cannot be told apart does not share one', () => {
    const of = rates(new FakeClock())
    for (let i = 0; i < 20; i++) expect(taken(of.connect(undefined))).toBe(10)
  })

  it('a client that comes from ever other addresses does not fill the memory, nor gets more by it', async () => {
    const clock = new FakeClock()
    const of = rates(clock)
    const [first] = [of.connect('first')]
    expect(taken(first)).toBe(10)
    for (let i = 0; i < 20_000; i++) of.connect(`address ${i}`)()
    await clock.advance(1_000)
    expect(taken(first)).toBe(1)
  })
})
