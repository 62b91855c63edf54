import type { RequestHandler } from 'express'
import { Refusal } from './refusal.ts'

/** A bind address or a host name that means this machine. */
export function isLoopbackHost(host: string): boolean {
  return ['localhost', '::1', '[::1]'].includes(host) || /^127(\.\d{1,3}){3}$/.test(host)
}

export function isLoopbackOrigin(origin: string): boolean {
  return /^https?:\/\//.test(origin) && URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname)
}

/**
 * Refuses requests that were not addressed to this machine by name. A web page reaches 127.0.0.1 under its own name when
 * it re-points its DNS (rebinding); then the Host header still carries that name.
 */
export const loopbackOnly: RequestHandler = (request, _response, next) => {
  const { host = '', origin } = request.headers
  const name = host.toLowerCase().replace(/:\d+$/, '')
  if (!isLoopbackHost(name) || (origin !== undefined && !isLoopbackOrigin(origin))) throw new Refusal('origin-refused')
  next()
}
