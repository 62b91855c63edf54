import { createLog, type LogFields } from '@y-sealed/relay'
import { expect, it } from 'vitest'
import { errorFields } from '../../../server/relay/src/telemetry/log.ts'

const CANARY = 'canary-room-or-token'

it('of an error only its class and code are told, whatever its message quotes', () => {
  const error = Object.assign(new RangeError(CANARY), { code: 'SQLITE_FULL', detail: CANARY })
  expect(errorFields(error)).toEqual({ errorName: 'RangeError', code: 'SQLITE_FULL' })
  expect(errorFields(CANARY)).toEqual({ errorName: 'string' })
})

it('a field that is not on the list does not get into a line', () => {
  const fields = { bytes: 7, room: CANARY, token: CANARY } as LogFields
  let line = ''
  createLog('info', { write: (written) => (line += written) }).info('event', fields)
  expect(JSON.parse(line)).toMatchObject({ level: 30, msg: 'event', bytes: 7 })
  expect(line).not.toContain(CANARY)
})
