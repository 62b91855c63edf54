import { closeReasons } from '@y-sealed/protocol'
import type { ProblemCode } from './sealed-error.ts'

interface Ending {
  readonly code: ProblemCode
  readonly message: string
}

/** RFC 6455 §7.4.1: a frame was too big for the relay; `ws` itself closes with it. */
const MESSAGE_TOO_BIG = 1009

/** What a close code of the relay means for the app. */
export function endingOf(closeCode: number, reason: string, hasToken: boolean): Ending {
  const said = reason === '' ? `the relay closed with ${closeCode}` : `the relay closed with ${closeCode}: ${reason}`
  switch (closeCode) {
    case closeReasons.unauthorised.code:
      return { code: hasToken ? 'authentication-failed' : 'auth-required', message: said }
    case closeReasons.revoked.code:
      return { code: 'session-revoked', message: said }
    case closeReasons.deleted.code:
      return { code: 'document-deleted', message: said }
    case closeReasons.overload.code:
    case MESSAGE_TOO_BIG:
    case closeReasons.limit.code:
      return { code: 'limit', message: said }
    case closeReasons['update-required'].code:
      return { code: 'update-required', message: said }
    default:
      return { code: 'relay-fault', message: said }
  }
}
