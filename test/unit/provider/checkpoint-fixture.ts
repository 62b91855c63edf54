import { EventEmitter } from 'node:events'
import { createEpochRecord, deriveEpochKeys, parseDocumentKey } from '@y-sealed/envelope'
import { DEFAULT_LIMITS, type Down, type Limits, type Place, startHash, type Up } from '@y-sealed/protocol'
import * as Y from 'yjs'
import type { CompactionEnd, CompactorPorts } from '../../../packages/provider/src/checkpoint/compactor.ts'
import { readRecord } from '../../../packages/provider/src/epoch/chained-epoch.ts'
import type { Epoch } from '../../../packages/provider/src/epoch/epoch.ts'
import { LogState } from '../../../packages/provider/src/log-state/log-state.ts'
import { untilTrue } from '../../support/events.ts'
import { FakeClock } from '../../support/fake-clock.ts'

export const hashOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)

/** A checkpoint as the relay tells of it: its name and H at its place follow from `n`. */
export const placeOf = (n: number, sequence: number, bytes = 1_000): Place => ({
  checkpoint: hashOf(n),
  sequence,
  hash: hashOf(100 + n),
  bytes,
})

/** The first epoch of a document, which began empty, with keys that seal and open. */
export async function firstEpoch(): Promise<Epoch> {
  const keys = await deriveEpochKeys(parseDocumentKey('a-key-that-nobody-guesses-0123456789'), {
    documentId: 'doc',
    keyHint: '',
    suite: 1,
    stretch: 0,
    nonce: new Uint8Array(16),
    ext: new Uint8Array(0),
  })
  const chained = readRecord(await createEpochRecord(keys, { index: 0 }))
  return { ...chained, index: 0, keyHint: '', startHash: startHash(chained.hash), keys }
}

/** A document of one member, and the log that it reads and writes. */
export class Desk {
  readonly doc = new Y.Doc()
  readonly logState = new LogState()
  readonly text = this.doc.getText('text')
  #written: Uint8Array[] = []

  constructor() {
    this.doc.on('update', (update: Uint8Array) => this.#written.push(update))
  }

  /** The user types it: the log does not have it. Gives the update. */
  type(words: string): Uint8Array {
    this.#written = []
    this.text.insert(this.text.length, words)
    return Y.mergeUpdates(this.#written)
  }

  /** It is in the log from now on, whoever wrote it. */
  log(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update)
    this.logState.add(update)
  }
}

/** An update of somebody else, who has written this and nothing more. */
export function updateBy(clientId: number, words: string): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = clientId
  doc.getText('text').insert(0, words)
  return Y.encodeStateAsUpdate(doc)
}

/** What a document holds that is made of one update. */
export function textOf(update: Uint8Array): string {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  return doc.getText('text').toString()
}

/** Everything of a session that making a checkpoint asks for; what a test changes, it changes in `at` and `limits`. */
export class Bench {
  readonly clock = new FakeClock()
  readonly desk = new Desk()
  readonly sent: Up[] = []
  readonly ended: CompactionEnd[] = []
  readonly stored: Place[] = []
  readonly at = { cursor: 7, hash: hashOf(77), isWhole: true }
  limits: Limits = DEFAULT_LIMITS
  /** Another checkpoint has come after the one that is to be followed. */
  isOvertaken = false
  readonly #events = new EventEmitter()
  #request = 0

  get ports(): CompactorPorts {
    return {
      doc: this.desk.doc,
      logState: this.desk.logState,
      clock: this.clock,
      padding: true,
      channel: () => 1,
      nextRequest: () => ++this.#request,
      limits: () => this.limits,
      send: (messages) => {
        this.sent.push(...messages)
        this.#events.emit('happened')
      },
      reader: () => this.at,
      isNewest: () => !this.isOvertaken,
      onStored: (place) => void this.stored.push(place),
      onEnded: (why) => {
        this.ended.push(why)
        this.#events.emit('happened')
      },
    }
  }

  get types(): Up['type'][] {
    return this.sent.map(({ type }) => type)
  }

  /** Sealing takes a while: resolves once this is so. */
  until(isSo: () => boolean, what: string): Promise<void> {
    return untilTrue(this.#events, 'happened', isSo, what)
  }

  said<Type extends Up['type']>(type: Type): Extract<Up, { type: Type }>[] {
    return this.sent.filter((message): message is Extract<Up, { type: Type }> => message.type === type)
  }

  /** The relay's answer to the lease that was asked for last. */
  answer(type: 'leased' | 'staged'): Down {
    return { type, channel: 1, request: this.#leaseRequest } as Down
  }

  refusal(code: 'busy' | 'limit' | 'stale-checkpoint'): Down {
    return { type: 'refused', channel: 1, request: this.#leaseRequest, code, detail: '' }
  }

  get #leaseRequest(): number {
    const lease = this.said('lease').at(-1)
    if (lease === undefined) throw new Error('no lease was asked for')
    return lease.request
  }
}
