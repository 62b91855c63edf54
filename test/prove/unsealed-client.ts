import { randomBytes } from 'node:crypto'
import { EnvelopeKind } from '@y-sealed/protocol/header'
import { FakeSealer, fakeRecord, RawClient } from '../scenario/relay-raw-client.ts'
import { needlesOf } from '../support/canary.ts'

/**
 * The control: a client that does not seal. What it says looks like envelopes, with the planted text in them, in every encoding that is searched for.
 * It goes the same way as everybody's: through the tap, into the relay's memory and database, and down to others.
 */
export class UnsealedClient {
  readonly #clients: RawClient[]

  private constructor(clients: RawClient[]) {
    this.#clients = clients
  }

  static async write(relayUrl: string, room: string, token: string, planted: string): Promise<UnsealedClient> {
    const writer = await RawClient.connect(relayUrl, { 'x-planted': encodeURIComponent(planted) })
    const reader = await RawClient.connect(relayUrl)
    const sealer = new FakeSealer()
    await writer.join(room, { token })
    await writer.open(fakeRecord())
    await writer.append([unsealed(sealer, EnvelopeKind.update, planted)])
    writer.say({ type: 'awareness', channel: 1, envelope: unsealed(sealer, EnvelopeKind.awareness, planted) })
    await writer.pinged()
    await reader.join(room, { token })
    await reader.hears('entries')
    await reader.hears('awareness')
    // Both stay: the relay keeps the awareness of those who are there in its memory.
    return new UnsealedClient([writer, reader])
  }

  end(): void {
    for (const client of this.#clients) client.end()
  }
}

function unsealed(sealer: FakeSealer, kind: EnvelopeKind, planted: string): Uint8Array {
  const header = sealer.seal(0, kind)
  const hidden = needlesOf(planted).flatMap(({ bytes }) => [bytes, Buffer.from('\n')])
  // The relay takes nothing shorter than a tag.
  return new Uint8Array(Buffer.concat([header, ...hidden, randomBytes(16)]))
}
