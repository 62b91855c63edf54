import type { ProblemCode } from './sealed-error.ts'

interface Ending {
  readonly code: ProblemCode
  readonly message: string
}

/** What a final close code of the relay means for the app (the codes: @y-sealed/protocol, close-codes). */
export function endingOf(closeCode: number, reason: string, hasToken: boolean): Ending {
  const said = reason === '' ? `the relay closed with ${closeCode}` : `the relay closed with ${closeCode}: ${reason}`
  switch (closeCode) {
    case 4401:
      return { code: hasToken ? 'authentication-failed' : 'auth-required', message: said }
    case 4403:
      return { code: 'session-revoked', message: said }
    case 4404:
      return { code: 'document-deleted', message: said }
    case 1009:
    case 4413:
      return { code: 'limit', message: said }
    case 4426:
      return { code: 'update-required', message: said }
    default:
      return { code: 'relay-fault', message: said }
  }
}
