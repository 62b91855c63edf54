import { randomBytes } from 'node:crypto'

/** What is written by members, and must be nowhere else. */
export interface Secrets {
  /** Struck key by key. */
  readonly typed: string
  /** Put in at once: one update has the whole of it, as a paste has. */
  readonly pasted: string
  readonly mapKey: string
  readonly mapValue: string
  readonly userName: string
}

/** New ones for each run: nothing of an earlier run can be taken for one. */
export function makeSecrets(): Secrets {
  const mark = () => randomBytes(6).toString('hex')
  return {
    typed: `typed-kestrel-${mark()}`,
    pasted: `pasted in one go: größe ${mark()}`,
    mapKey: `salary of the director ${mark()}`,
    mapValue: `two hundred thousand ${mark()}`,
    userName: `Florence ${mark()}`,
  }
}
