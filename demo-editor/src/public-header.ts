import { EnvelopeKind, parseHeader } from 'y-sealed/observe'

/** What anybody can read of an envelope, the relay included. */
export interface PublicHeader {
  kind: string
  epochIndex: number
  counter: number
  /** How many of the first bytes are readable; sealed bytes follow. */
  headerBytes: number
}

/** For display only: what is no envelope is shown as such. */
export function readPublicHeader(envelope: Uint8Array): PublicHeader {
  try {
    const { kind, epochIndex, counter, headerBytes } = parseHeader(envelope)
    const [name = 'unknown'] = Object.entries(EnvelopeKind).find(([, value]) => value === kind) ?? []
    return { kind: name, epochIndex, counter, headerBytes }
  } catch {
    return { kind: 'unknown', epochIndex: 0, counter: 0, headerBytes: 0 }
  }
}
