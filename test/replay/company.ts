import { keyEndpoint, type SealedError, SealedProvider } from 'y-sealed'
import { observe } from 'y-sealed/observe'
import type * as Y from 'yjs'
import { CanarySearch } from '../support/canary.ts'
import { Capture } from '../support/capture.ts'
import { patiently, until } from '../support/events.ts'
import { NonceAudit } from '../support/nonce-audit.ts'
import { Wire } from '../support/wire.ts'
import type { Author } from './author.ts'

/** A cold reader of the longest trace has a quarter of a million edits to open, on a machine that does other things too. */
const JOIN_PATIENCE_MS = 60_000

export interface Member extends Author {
  readonly provider: SealedProvider
}

/** Everybody in one room of one relay, and what the network and the relay got to see of them. */
export class Company {
  readonly capture = new Capture()
  readonly audit = new NonceAudit()
  readonly search: CanarySearch
  readonly problems: SealedError[] = []
  private readonly members: SealedProvider[] = []
  private readonly wire = new Wire(this.capture)
  private readonly relayUrl: string
  private readonly keysUrl: string
  private readonly room: string

  constructor(relayUrl: string, keysUrl: string, room: string, secrets: readonly string[]) {
    this.relayUrl = relayUrl
    this.keysUrl = keysUrl
    this.room = room
    this.search = new CanarySearch(secrets)
    this.capture.onEnvelope(({ envelope }) => this.audit.observe(room, envelope))
  }

  /** A provider of one's own. Its user name, and the key it is given, must never be seen on the way. */
  async join(member: string, doc: Y.Doc): Promise<Member> {
    const ask = keyEndpoint(this.keysUrl)
    const provider = new SealedProvider(this.relayUrl, this.room, doc, {
      keys: async (request, options) => {
        const answer = await ask(request, options)
        this.search.add((answer as { key: string }).key)
        return answer
      },
      WebSocketPolyfill: this.wire.WebSocket,
    })
    this.members.push(provider)
    provider.on('problem', (problem: SealedError) => this.problems.push(problem))
    provider.awareness.setLocalStateField('user', { name: this.canary(`name of ${member}`) })
    await patiently(provider.whenSynced, `${member} to be synced`, JOIN_PATIENCE_MS)
    return { doc, provider }
  }

  /** Something beside the text: the keys and values of a map are content too. */
  async hideCanaryIn({ doc, provider }: Author): Promise<void> {
    doc.getMap('beside the text').set(this.canary('key of a map'), this.canary('value in a map'))
    await provider.flush()
  }

  /** The stored envelopes, as anybody without a key gets them. */
  async readLog(): Promise<Uint8Array[]> {
    const envelopes: Uint8Array[] = []
    const log = observe(this.relayUrl, this.room, { WebSocketPolyfill: this.wire.WebSocket })
    log.on('entry', ({ envelope }: { envelope: Uint8Array }) => envelopes.push(envelope))
    await until(log, 'caught-up')
    log.close()
    return envelopes
  }

  /** As the relay says: sealed bytes. */
  newestCheckpointBytes(): number {
    const places = this.capture.messages('down').flatMap((each) => (each.type === 'compacted' ? [each.place] : []))
    return places.at(-1)?.bytes ?? 0
  }

  leave(): void {
    for (const provider of this.members.splice(0)) provider.destroy()
  }

  private canary(what: string): string {
    const canary = `canary: ${what}`
    this.search.add(canary)
    return canary
  }
}
