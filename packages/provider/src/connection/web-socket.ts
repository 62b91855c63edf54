import { closeAction } from '@y-sealed/protocol'
import { SealedError } from '../sealed-error.ts'

/** What this package uses of a WebSocket: the browser's, or `ws` in Node. */
export interface WebSocketLike {
  binaryType: string
  readonly readyState: number
  readonly bufferedAmount: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(bytes: Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike

/** What a `connection-close` listener gets: the fields of a CloseEvent that both browsers and `ws` have. */
export interface CloseFacts {
  readonly code: number
  readonly reason: string
}

/**
 * The default of `shouldReconnect`: what the protocol's table of close codes says, so that another 44xx is final, as in y-websocket 3.1. A
 * polyfill that reports no code is not mistaken for a refusal.
 */
export const isWorthReconnecting = ({ code }: CloseFacts): boolean => closeAction(code) === 'retry'

export function resolveWebSocket(polyfill: WebSocketConstructor | undefined): WebSocketConstructor {
  const found = polyfill ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket
  if (found === undefined) {
    throw new SealedError(
      'unsupported',
      'this platform has no WebSocket: pass one as option WebSocketPolyfill',
      'WebSocketPolyfill',
    )
  }
  return found
}

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

export const isLoopbackHost = (hostname: string): boolean => LOOPBACK.test(hostname)

/** The relay's URL without trailing slashes. Plain `ws:` leaves this machine only if the caller says so. */
export function parseRelayUrl(url: string, allowInsecure: boolean): string {
  let parsed: URL
  try {
    parsed = new URL(url.replace(/^http/, 'ws'))
  } catch {
    throw new TypeError(
      `the relay's URL must be absolute, such as wss://relay.example; got a ${typeof url} of ${String(url).length} characters`,
    )
  }
  if (parsed.protocol !== 'wss:' && parsed.protocol !== 'ws:')
    throw new TypeError(`the relay's URL must be wss: (or ws: on loopback), not ${parsed.protocol}`)
  if (parsed.protocol === 'ws:' && !allowInsecure && !isLoopbackHost(parsed.hostname)) {
    throw new SealedError(
      'unsupported',
      'ws: to a host that is not loopback shows tokens and room names to the network: use wss:, or set allowInsecure',
      'url',
    )
  }
  return parsed.href.replace(/\/+$/, '')
}
