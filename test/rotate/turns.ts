import { patiently } from '../support/events.ts'
import type { Member } from './member.ts'

/** The issue's own number: often enough that a long document lives through hundreds of epochs. */
export const EDITS_PER_EPOCH = 500

/** Nothing here takes longer than some pauses; a minute of nothing means that it never ends. */
const ROTATION_PATIENCE_MS = 60_000

/** Who rotates when: one member after the other, each time that so many edits have been typed, while everybody goes on. */
export class Turns {
  rotations = 0
  longestRotationMs = 0
  private readonly members: readonly Member[]
  private typed = 0
  private newestIndex = 0
  private underWay: Promise<void> | undefined
  private failure: { readonly error: unknown } | undefined

  constructor(members: readonly Member[]) {
    this.members = members
  }

  /** Somebody has typed something. */
  count(): void {
    this.typed++
    this.begin()
  }

  /** What a typist waits for before the next edit: only a rotation that takes longer than the edits between two of them. */
  rest(): Promise<void> | undefined {
    return this.isDue ? this.underWay : undefined
  }

  /** Resolves when every rotation that is due has been done; rejects with what stopped one. */
  async finish(): Promise<void> {
    while (this.underWay !== undefined) await this.underWay
    if (this.failure !== undefined) throw this.failure.error
  }

  private get isDue(): boolean {
    return this.typed >= (this.rotations + (this.underWay === undefined ? 1 : 2)) * EDITS_PER_EPOCH
  }

  private begin(): void {
    if (this.underWay !== undefined || !this.isDue || this.failure !== undefined) return
    const rotator = this.members[this.rotations % this.members.length] as Member
    this.underWay = this.rotate(rotator).then(
      () => {
        this.underWay = undefined
        this.begin()
      },
      (error) => {
        this.underWay = undefined
        this.failure = { error }
      },
    )
  }

  private async rotate({ provider }: Member): Promise<void> {
    const startedAtMs = performance.now()
    // Who has not heard of the newest epoch yet is answered with that one, which is newer than the one it was in.
    for (let index = this.newestIndex; index <= this.newestIndex; ) {
      const rotated = provider.rotateKey()
      index = (await patiently(rotated, `rotation ${this.rotations + 1}`, ROTATION_PATIENCE_MS)).index
    }
    this.newestIndex++
    this.rotations++
    this.longestRotationMs = Math.max(this.longestRotationMs, performance.now() - startedAtMs)
  }
}
