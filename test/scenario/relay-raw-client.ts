import { createHash, randomBytes } from 'node:crypto'
import {
  checkpointHash,
  chunkHash,
  type Down,
  type Entry,
  encodeFrame,
  type LeasePurpose,
  parseDownFrame,
  type Up,
} from '@y-sealed/protocol'
import { EnvelopeKind, encodeHeader } from '@y-sealed/protocol/header'
import { WebSocket } from 'ws'

type DownOf<T extends Down['type']> = Extract<Down, { type: T }>

const NO_PROOF = new Uint8Array(0)

/** A client that says exactly what a test tells it to, keyless: what it appends only looks like envelopes. */
export class RawClient {
  readonly socket: WebSocket
  /** Everything the relay has said, in order. */
  readonly heard: Down[] = []
  /** WebSocket messages received; each may hold several of the relay's messages. */
  frames = 0
  close: { code: number; reason: string } | undefined
  readonly closed: Promise<{ code: number; reason: string }>
  /** What was heard last is no frame of the protocol. */
  #fault: unknown
  #listeners = new Set<() => void>()
  #requests = 0

  constructor(url: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url, { headers })
    this.socket.on('message', (frame: Buffer) => {
      this.frames++
      try {
        this.heard.push(...parseDownFrame(frame))
      } catch (error) {
        // As the provider does: whoever waits is told that it ended, and why.
        this.#fault = error
        this.socket.terminate()
        return
      }
      for (const listener of [...this.#listeners]) listener()
    })
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.close = { code, reason: reason.toString() }
        resolve(this.close)
        for (const listener of [...this.#listeners]) listener()
      })
    })
    // `close` follows, and tests look at that.
    this.socket.on('error', () => {})
  }

  /** Opened and greeted. */
  static async connect(url: string, headers?: Record<string, string>): Promise<RawClient> {
    const client = new RawClient(url, headers)
    await client.opened()
    client.say({ type: 'hello', minVersion: 1, maxVersion: 1, agent: 'raw' })
    await client.hears('welcome')
    return client
  }

  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.once('error', reject)
    })
  }

  say(...messages: Up[]): void {
    this.socket.send(encodeFrame(messages))
  }

  /** The first message of this type, from index `from` of what was heard on, that passes; waits for it if need be. */
  hears<T extends Down['type']>(
    type: T,
    where: (message: DownOf<T>) => boolean = () => true,
    from = 0,
  ): Promise<DownOf<T>> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.heard.slice(from).find((message): message is DownOf<T> => {
          return message.type === type && where(message as DownOf<T>)
        })
        if (!found && !this.close) return
        this.#listeners.delete(look)
        if (found) resolve(found)
        else reject(new Error(`closed with ${this.close?.code} before ${type}`, { cause: this.#fault }))
      }
      this.#listeners.add(look)
      look()
    })
  }

  async join(room: string, fields: Partial<Extract<Up, { type: 'join' }>> = {}): Promise<DownOf<'joined'>> {
    const { channel = 1 } = fields
    this.say({
      type: 'join',
      channel,
      room,
      token: '',
      params: {},
      cursor: 0,
      hash: new Uint8Array(0),
      observe: false,
      ...fields,
    })
    return await this.hears('joined', (joined) => joined.channel === channel)
  }

  /** Appends and waits for the answer. */
  async append(envelopes: Uint8Array[], channel = 1): Promise<DownOf<'ack'> | DownOf<'refused'>> {
    const request = this.request()
    this.say({ type: 'append', channel, request, envelopes: toEntries(envelopes) })
    return await this.answer(request)
  }

  /** Appends one entry, a witness that names this checkpoint as far as the relay can know, and waits for the answer. */
  async witness(envelope: Uint8Array, names: Uint8Array): Promise<DownOf<'ack'> | DownOf<'refused'>> {
    const request = this.request()
    this.say({ type: 'append', channel: 1, request, names, envelopes: toEntries([envelope]) })
    return await this.answer(request)
  }

  /** Opens the first epoch of a document. */
  async open(record: Uint8Array, envelopes: Uint8Array[] = []): Promise<DownOf<'opened'> | DownOf<'refused'>> {
    return await this.#sayOpen({ request: this.request(), record, sequence: 0, envelopes: toEntries(envelopes) })
  }

  async lease(head: Uint8Array, purpose: LeasePurpose = 'rotate'): Promise<DownOf<'leased'> | DownOf<'refused'>> {
    const request = this.request()
    this.say({ type: 'lease', channel: 1, request, purpose, head: sha256(head) })
    return await this.#either('leased', request)
  }

  async stage(request: number, envelopes: Uint8Array[]): Promise<DownOf<'staged'> | DownOf<'refused'>> {
    const from = this.heard.length
    this.say({ type: 'stage', channel: 1, request, envelopes: toEntries(envelopes) })
    return await this.#either('staged', request, from)
  }

  async pause(): Promise<DownOf<'paused'> | DownOf<'refused'>> {
    const request = this.request()
    this.say({ type: 'pause', channel: 1, request })
    return await this.#either('paused', request)
  }

  async release(): Promise<DownOf<'released'> | DownOf<'refused'>> {
    const request = this.request()
    this.say({ type: 'release', channel: 1, request })
    return await this.#either('released', request)
  }

  /** Replaces `previous`, under the lease with this number, at the head that a pause has named. */
  async replace(
    lease: number,
    record: Uint8Array,
    previous: Uint8Array,
    head: { sequence: number; hash: Uint8Array },
    rest: { envelopes?: Uint8Array[]; checkpoint?: Uint8Array } = {},
  ): Promise<DownOf<'opened'> | DownOf<'refused'>> {
    const { envelopes = [], checkpoint } = rest
    return await this.#sayOpen({
      request: lease,
      record,
      previous: sha256(previous),
      sequence: head.sequence,
      hash: head.hash,
      ...(checkpoint && { checkpoint }),
      envelopes: toEntries(envelopes),
    })
  }

  /** A whole rotation: lease, the chunks staged, pause, open. */
  async rotate(
    record: Uint8Array,
    previous: Uint8Array,
    { envelopes = [], chunks = [] }: { envelopes?: Uint8Array[]; chunks?: Uint8Array[] } = {},
  ): Promise<DownOf<'opened'> | DownOf<'refused'>> {
    const leased = await this.lease(previous)
    if (leased.type === 'refused') return leased
    for (const chunk of chunks) await this.stage(leased.request, [chunk])
    const head = await this.pause()
    if (head.type === 'refused') return head
    const checkpoint = chunks.length > 0 ? { checkpoint: nameOf(chunks) } : {}
    return await this.replace(leased.request, record, previous, head, { envelopes, ...checkpoint })
  }

  /** Makes what is staged under this lease, and these chunks, the newest checkpoint. */
  async compact(
    lease: number,
    covers: { sequence: number; hash: Uint8Array; previous?: Uint8Array; checkpoint: Uint8Array },
    chunks: Uint8Array[] = [],
  ): Promise<DownOf<'compacted'> | DownOf<'refused'>> {
    const from = this.heard.length
    this.say({ type: 'compact', channel: 1, request: lease, ...covers, envelopes: toEntries(chunks) })
    return await this.#either('compacted', lease, from)
  }

  async #sayOpen(
    open: Omit<Extract<Up, { type: 'open' }>, 'type' | 'channel'>,
  ): Promise<DownOf<'opened'> | DownOf<'refused'>> {
    const from = this.heard.length
    this.say({ type: 'open', channel: 1, ...open })
    return await this.#either('opened', open.request, from)
  }

  #either<T extends 'leased' | 'staged' | 'paused' | 'released' | 'opened' | 'compacted'>(
    type: T,
    request: number,
    from = 0,
  ): Promise<DownOf<T> | DownOf<'refused'>> {
    return Promise.race([
      this.hears(type, (message) => 'request' in message && message.request === request, from),
      this.hears('refused', (refused) => refused.request === request, from),
    ])
  }

  async answer(request: number): Promise<DownOf<'ack'> | DownOf<'refused'>> {
    return await Promise.race([
      this.hears('ack', (ack) => ack.request === request),
      this.hears('refused', (refused) => refused.request === request),
    ])
  }

  request(): number {
    return ++this.#requests
  }

  /** Said and answered: everything before it has been read by the relay, and its answers have arrived. */
  async pinged(): Promise<void> {
    const nonce = this.request()
    this.say({ type: 'ping', nonce })
    await this.hears('pong', (pong) => pong.nonce === nonce)
  }

  /** Entries received, by sequence. */
  received(channel = 1): Map<number, Uint8Array> {
    const bySequence = new Map<number, Uint8Array>()
    for (const message of this.heard) {
      if (message.type !== 'entries' || message.channel !== channel) continue
      message.entries.forEach(({ envelope }, i) => {
        bySequence.set(message.first + i, envelope)
      })
    }
    return bySequence
  }

  end(): void {
    this.socket.terminate()
  }
}

export function toEntries(envelopes: Uint8Array[]): Entry[] {
  return envelopes.map((envelope) => ({ proof: NO_PROOF, envelope }))
}

/** Something with an envelope's public header and random bytes behind it. */
export class FakeSealer {
  readonly salt = new Uint8Array(randomBytes(16))
  readonly epochIndex: number
  counter = 0

  constructor(epochIndex = 0) {
    this.epochIndex = epochIndex
  }

  seal(sealedBytes = 64, kind: EnvelopeKind = EnvelopeKind.update, counter = ++this.counter): Uint8Array {
    const { salt, epochIndex } = this
    return Buffer.concat([encodeHeader({ kind, epochIndex, salt, counter }), randomBytes(sealedBytes)])
  }
}

/** The chunks of a checkpoint, under a salt of their own. */
export function fakeCheckpoint(epochIndex: number, chunks: number, sealedBytes = 64): Uint8Array[] {
  const sealer = new FakeSealer(epochIndex)
  return Array.from({ length: chunks }, () => new Uint8Array(sealer.seal(sealedBytes, EnvelopeKind.checkpoint)))
}

/** What names these chunks as a checkpoint. */
export function nameOf(chunks: readonly Uint8Array[]): Uint8Array {
  return checkpointHash(chunks.map(chunkHash))
}

/** A record as far as a relay reads it: version, suite, stretch, index. */
export function fakeRecord(index = 0): Uint8Array {
  return new Uint8Array(Buffer.concat([Buffer.from([1, 1, 0, index]), randomBytes(60)]))
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}
