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

/** A sentence for each code that a store or a log gives. */
export const REFUSALS = {
  'stale-epoch': 'not the head of the log',
  paused: 'an epoch is about to be opened',
  busy: "the lease is not this session's",
  limit: 'the last pause ran out a moment ago',
  'out-of-order': "not this session's salt, or not its next counter",
  malformed: 'the index of a record rises, from 0',
  'stale-checkpoint': 'another checkpoint is the newest, or the log is not the one that this one covers',
  pruned: 'some of it is not kept any more',
} as const
