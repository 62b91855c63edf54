import * as Y from 'yjs'
import { errorName } from '../error-name.ts'
import type { LocalCopyPorts } from '../local/persistence.ts'
import { LogState } from '../log-state/log-state.ts'
import type { LoadedStore } from './load-store.ts'
import { type PlaintextStore, readPlaintextStore, removePlaintextStore } from './plaintext-store.ts'

/** Takes over what `y-indexeddb` kept in plaintext: it goes only when a sealed copy of it was read back. */
export class Migration {
  readonly #name: string
  readonly #ports: LocalCopyPorts
  #left: PlaintextStore | undefined

  constructor(name: string, ports: LocalCopyPorts) {
    this.#name = name
    this.#ports = ports
  }

  /** Its content is in the document, and waits to be sent as this user's. */
  async read(): Promise<void> {
    const { problems, adoptPlaintext } = this.#ports
    try {
      this.#left = await readPlaintextStore(this.#name)
      if (this.#left !== undefined) adoptPlaintext(this.#left.update)
    } catch (error) {
      const message = `the store that was to be taken over is left as it is (${errorName(error)})`
      problems.raise('storage', message, 'migration')
    }
  }

  get isPending(): boolean {
    return this.#left !== undefined
  }

  /** Everything that this page wrote is durable; `reload` reads it back. */
  async stored(reload: () => Promise<LoadedStore>): Promise<void> {
    const plaintext = this.#left
    if (plaintext === undefined) return
    this.#left = undefined
    if (!holds(await reload(), plaintext.update)) {
      this.#left = plaintext
      return
    }
    // Somebody goes on writing to it, in a tab of the app's last version: what it wrote is taken over, too.
    if (!(await removePlaintextStore(this.#name, plaintext))) await this.read()
  }

  /** Nothing of this document stays on the device. */
  async wipe(): Promise<void> {
    this.#left = undefined
    await removePlaintextStore(this.#name, { update: new Uint8Array(0), newest: Number.POSITIVE_INFINITY })
  }
}

function holds({ update, edits }: LoadedStore, plaintext: Uint8Array): boolean {
  const stored = new LogState()
  if (update !== undefined) stored.add(update)
  for (const { edit } of edits) stored.add(edit.update)
  return stored.covers(Y.decodeUpdate(plaintext))
}
