import type { RefusalCode } from '@y-sealed/protocol'

/** Why a request is not carried out, as the client is told. The detail names the part, never its content. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  /** The head record, with `stale-epoch`. */
  readonly record: Uint8Array | undefined

  constructor(code: RefusalCode, detail: string, record?: Uint8Array) {
    super(detail)
    this.code = code
    this.record = record
  }
}

/** What the client is told for each code that a store or a log gives: a code of the wire, and a sentence. */
const REFUSALS = {
  'stale-epoch': ['stale-epoch', 'not the head of the log'],
  paused: ['paused', 'an epoch is about to be opened'],
  busy: ['busy', "the lease is not this session's"],
  limit: ['limit', 'the last pause ran out a moment ago'],
  'out-of-order': ['out-of-order', "not this session's salt, or not its next counter"],
  malformed: ['malformed', 'the index of a record rises, from 0'],
  'stale-checkpoint': [
    'stale-checkpoint',
    'another checkpoint is the newest, or the log is not the one that this one covers',
  ],
  pruned: ['pruned', 'some of it is not kept any more'],
  full: ['limit', 'the document has as many bytes as it may have, or its tenant has'],
  'too-often': ['limit', 'the document was rotated a moment ago, or as often as it may be in a day'],
} as const satisfies Record<string, readonly [RefusalCode, string]>

export function refusalFor(code: keyof typeof REFUSALS, record?: Uint8Array): Refusal {
  const [told, detail] = REFUSALS[code]
  return new Refusal(told, detail, record)
}
