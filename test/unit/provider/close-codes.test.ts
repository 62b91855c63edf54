import { closeReasons } from '@y-sealed/protocol'
import { expect, it } from 'vitest'
import { isWorthReconnecting } from '../../../packages/provider/src/connection/web-socket.ts'
import { endingOf } from '../../../packages/provider/src/endings.ts'

it.each([
  ['a lost network', 1006, true],
  ['an overloaded relay', closeReasons.overload.code, true],
  ['a relay that restarts', closeReasons.draining.code, true],
  // In the band of the final ones, and yet only slowness: the table stands above the band.
  ['a hello that came too late', closeReasons.timeout.code, true],
  ['a frame that is too big, and would be again', 1009, false],
  ['no valid token', closeReasons.unauthorised.code, false],
  ['access that was taken away', closeReasons.revoked.code, false],
  ['a 44xx that nobody has named yet', 4499, false],
  ['a 45xx that nobody has named yet', 4599, true],
])('after %s (%d), by default, it connects again: %s', (_, code, again) => {
  expect(isWorthReconnecting({ code, reason: '' })).toBe(again)
})

it('every final close code has words of its own for the app', () => {
  const codes = [...Object.values(closeReasons).map(({ code }) => code), 1009]
  const final = codes.filter((code) => !isWorthReconnecting({ code, reason: '' }))
  expect(Object.fromEntries(final.map((code) => [code, endingOf(code, '', true).code]))).toEqual({
    1009: 'limit',
    4400: 'relay-fault',
    4401: 'authentication-failed',
    4403: 'session-revoked',
    4404: 'document-deleted',
    4413: 'limit',
    4426: 'update-required',
  })
  expect(endingOf(4401, '', false).code).toBe('auth-required')
})
