import type { KeySource } from '@y-sealed/key-client'
import { isLoopbackHost } from './connection/web-socket.ts'

const warnedHosts = new Set<string>()

/** Whoever holds both the relay and the keys holds the documents (design §1): two names behind one host are told of, once per host. */
export function warnOfOneOperator(relayUrl: string, keys: KeySource): void {
  if (keys.origin === undefined) return
  const { host, hostname } = new URL(relayUrl)
  if (new URL(keys.origin).host !== host || isLoopbackHost(hostname) || warnedHosts.has(host)) return
  warnedHosts.add(host)
  console.warn(`y-sealed: the relay and the key endpoint are both at ${host}: whoever runs both can read the documents`)
}
