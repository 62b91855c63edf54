import type { WebSocketConstructor } from '../connection/web-socket.ts'
import type { SealedProviderOptions } from '../options.ts'
import { HeldDocument } from './held-document.ts'

const open = new Map<string, HeldDocument>()

/** The document that all components with the same three names share; made where there is none. */
export function heldDocument(url: string, room: string, options: SealedProviderOptions): HeldDocument {
  if (typeof window === 'undefined') return inertDocument(url, room, options)
  const name = JSON.stringify([url, room, options.documentId ?? room])
  let held = open.get(name)
  if (held === undefined) {
    held = new HeldDocument(url, room, options, () => open.delete(name))
    open.set(name, held)
  }
  return held
}

/** On a server that renders to HTML nothing is mounted and nothing connects: an empty document, without a timer that would keep the process. */
function inertDocument(url: string, room: string, options: SealedProviderOptions): HeldDocument {
  // A server keeps nobody's copy.
  const { persistence: _, ...others } = options
  const held = new HeldDocument(url, room, { ...others, WebSocketPolyfill: NeverOpened }, () => {})
  held.destroy()
  return held
}

// Only handed over, never called: there is no WebSocket to be had on a server before Node 22.
const NeverOpened = function neverOpened() {
  throw new TypeError('a document connects in the browser only')
} as unknown as WebSocketConstructor
