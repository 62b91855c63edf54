/** What a store has wrong of one document, and where its log is sound no more. */
export interface Damage {
  /** What the store calls the document: its room, where the store knows it. */
  readonly name: string
  /** The first entry that is wrong, or that a record or checkpoint stands at. */
  readonly sequence: number
  /** A sentence without content. */
  readonly what: string
}

/** Thrown where the first one is found. */
export class DamageFound extends Error {
  override readonly name = 'DamageFound'
  readonly sequence: number

  constructor(sequence: number, what: string) {
    super(what)
    this.sequence = sequence
  }
}
