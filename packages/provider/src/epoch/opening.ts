import { EnvelopeKind, type Sealer } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import type { Limits } from '@y-sealed/protocol'
import * as Y from 'yjs'
import { StagedRequest } from '../outbound/staged-request.ts'
import type { Epoch } from './epoch.ts'
import type { KeyDesk } from './key-desk.ts'
import { createWireSealer } from './wire-sealer.ts'

export interface OpeningPorts {
  readonly keyDesk: KeyDesk
  readonly padding: boolean
  readonly clock: Clock
  readonly connection: { readonly limits: Limits }
  readonly initial: ((doc: Y.Doc) => void) | undefined
}

/** An attempt to open epoch 0: it counts only if the relay's compare-and-set on "none" takes it (protocol §6). */
export interface Opening {
  readonly epoch: Epoch
  readonly sealer: Sealer
  /** What `initial` wrote; in the document only once the relay has taken it. */
  readonly seed: Uint8Array | undefined
  readonly staged: StagedRequest
}

/** Asks for a new key and seals the seed under it. Undefined if the key desk was stopped meanwhile. */
export async function prepareOpening(ports: OpeningPorts, request: number): Promise<Opening | undefined> {
  const epoch = await ports.keyDesk.mint()
  if (epoch === undefined) return undefined
  const sealer = await createWireSealer(epoch, ports.padding, ports.clock)
  const seed = ports.initial && seedUpdate(ports.initial)
  const birth = { sequence: 0, hash: epoch.startHash }
  const envelopes = seed === undefined ? [] : await sealer.seal(EnvelopeKind.update, seed, { birth })
  return {
    epoch,
    sealer,
    seed,
    staged: new StagedRequest(request, envelopes, ports.connection.limits.maxFrameEnvelopeBytes),
  }
}

/** The relay took another's record, or the connection is gone. */
export function abandonOpening(opening: Opening): void {
  opening.sealer.retire()
  opening.epoch.keys.forget()
}

/** What `initial` writes, made on a scratch document, so that a loser of the race has nothing to take back. */
function seedUpdate(initial: (doc: Y.Doc) => void): Uint8Array | undefined {
  const scratch = new Y.Doc()
  try {
    initial(scratch)
    return scratch.store.clients.size === 0 ? undefined : Y.encodeStateAsUpdate(scratch)
  } finally {
    scratch.destroy()
  }
}
