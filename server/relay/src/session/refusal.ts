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
