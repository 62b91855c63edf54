/**
 * When an append counts as stored. `full`: its bytes are on the disk. `os`: the operating system has them; a relay that is killed loses
 * nothing, a machine that loses power or crashes loses the acked edits of the last moments, and a client that still has them heals the log.
 */
export type Durability = 'full' | 'os'

export const DURABILITIES: readonly Durability[] = ['full', 'os']

/** Throws TypeError for what is none. */
export function checkDurability(durability: unknown): void {
  if (!DURABILITIES.some((known) => known === durability)) {
    const names = DURABILITIES.map((name) => `'${name}'`).join(' or ')
    throw new TypeError(`durability: expected ${names}; got ${String(durability)}`)
  }
}
