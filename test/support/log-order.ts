import { parseHeader } from '@y-sealed/protocol/header'
import type { StoredEntry } from 'y-sealed/observe'

/** The sealers of a log in the order of their first entry, each with its counters in log order. */
export function countersBySalt(log: readonly StoredEntry[]): number[][] {
  const sealers = new Map<string, number[]>()
  for (const { envelope } of log) {
    const { salt, counter } = parseHeader(envelope)
    const id = Buffer.from(salt).toString('hex')
    sealers.set(id, [...(sealers.get(id) ?? []), counter])
  }
  return [...sealers.values()]
}

/** Whether no sealer has left a hole that would hold its later entries back from every reader for ever. */
export function isGapless(log: readonly StoredEntry[]): boolean {
  return countersBySalt(log).every((counters) => counters.every((counter, index) => counter === index + 1))
}
