/** How many (sequence, H) pairs are kept to compare with what others have seen (protocol §6). */
const MAX_REMEMBERED_HASHES = 1_024

/** H at the last sequences that were read here. */
export class LogHashes {
  readonly #hashes = new Map<number, Uint8Array>()

  /** The reader begins here. */
  begin(sequence: number, hash: Uint8Array): void {
    this.#hashes.clear()
    this.remember(sequence, hash)
  }

  remember(sequence: number, hash: Uint8Array): void {
    this.#hashes.set(sequence, hash)
    this.#hashes.delete(sequence - MAX_REMEMBERED_HASHES)
  }

  /** 32 bytes; undefined: not read here, or too long ago. */
  at(sequence: number): Uint8Array | undefined {
    return this.#hashes.get(sequence)
  }
}
