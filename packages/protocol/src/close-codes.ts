import type { ProtocolError } from './errors.ts'

/**
 * What a client does after a close:
 * `retry` connects again with back-off; `reauthorise` does so once it has another access token; `stop` waits for a
 * person or the application.
 */
export type CloseAction = 'retry' | 'reauthorise' | 'stop'

export interface CloseReason {
  readonly code: number
  readonly meaning: string
  readonly action: CloseAction
}

/**
 * Why a relay closes a connection, or one channel of it (`closed`).
 * The bands are those Yjs providers know: 44xx is permanent and 45xx transient; the action of a code stands above its band.
 */
export const closeReasons = {
  overload: { code: 1013, meaning: 'the relay has no room for this connection now', action: 'retry' },
  malformed: { code: 4400, meaning: 'what arrived is not the y-sealed protocol', action: 'stop' },
  unauthorised: { code: 4401, meaning: 'no access token, or one that is not valid here', action: 'reauthorise' },
  revoked: { code: 4403, meaning: 'this access was taken away', action: 'stop' },
  deleted: { code: 4404, meaning: 'the document was deleted', action: 'stop' },
  timeout: { code: 4408, meaning: 'the other side was too slow to say hello, or to read', action: 'retry' },
  limit: { code: 4413, meaning: 'a limit of the protocol or of this relay was passed', action: 'stop' },
  'update-required': { code: 4426, meaning: 'client and relay have no protocol version in common', action: 'stop' },
  internal: { code: 4500, meaning: 'the relay failed', action: 'retry' },
  draining: { code: 4503, meaning: 'the relay is about to restart', action: 'retry' },
} as const satisfies Record<string, CloseReason>

export type CloseName = keyof typeof closeReasons

/**
 * What to do after a WebSocket close with this code. Codes that the table lacks go by their band: another 44xx stops,
 * all else (1006 of a lost network above all) is tried again.
 */
export function closeAction(code: number): CloseAction {
  for (const reason of Object.values(closeReasons)) if (reason.code === code) return reason.action
  // RFC 6455 §7.4.1: 1009 is "too big". The same frame would be sent again, so trying again is a loop.
  if (code === 1009) return 'stop'
  return code >= 4400 && code < 4500 ? 'stop' : 'retry'
}

/** How a connection ends whose bytes raised this error. */
export function closeReasonFor(error: ProtocolError): CloseReason {
  return error.code === 'limit' ? closeReasons.limit : closeReasons.malformed
}
