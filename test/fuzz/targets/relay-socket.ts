import { encodeFrame, hashPrefix, startHash, type Up } from '@y-sealed/protocol'
import { EnvelopeKind, encodeHeader } from '@y-sealed/protocol/header'
import { createRelay, type Log, type Relay } from '@y-sealed/relay'
import { WebSocket } from 'ws'
import { FakeSealer, fakeRecord, RawClient, sha256, toEntries } from '../../scenario/relay-raw-client.ts'
import { below, pick, randomBytes } from '../../support/random.ts'
import { join, mutate } from '../mutate.ts'
import { readRoom, within } from '../read-room.ts'
import { promised, sameBytes, type Target } from '../target.ts'
import { vectorFrames } from './frames.ts'
import { garble, sayable } from './garbled-message.ts'

/** How a relay may end a conversation; 1006: the connection was cut, as for too many bytes before a join. */
const CLOSES = [1006, 1009, 1013, 4400, 4408, 4413, 4426]

/** A new one after so many cases: what they have stored is gone with it. */
const CASES_PER_RELAY = 200
const LOOK_EVERY_CASES = 20

const HELLO: Up = { type: 'hello', minVersion: 1, maxVersion: 1, agent: 'fuzz' }
const RECORD = fakeRecordOf(0)

/** length (u32be) ‖ frame, again and again: what a client says to a relay, however it came to say that. */
export const relaySocket: Target = {
  name: 'relay-socket',
  promise: 'the conversation goes on or ends with a code; the relay, and what it has acked, stay as they were',
  sampleCases: 150,
  mustMeet: ['goes on', 'closed 4400'],
  async open() {
    let bystander = await Bystander.start()
    let cases = 0
    const vectors = vectorFrames('up')
    return {
      seeds: [
        frames([HELLO]),
        frames([HELLO], ...conversation(() => 0.5)),
        ...vectors.map((each) => join(frames([HELLO]), prefixed(each))),
      ],
      invent: (random) => inventConversation(random),
      async check(input) {
        if (++cases % CASES_PER_RELAY === 0) {
          await bystander.stop()
          bystander = await Bystander.start()
        }
        const decision = await bystander.hear(input)
        if (cases % LOOK_EVERY_CASES === 0) await bystander.look()
        return decision
      },
      close: () => bystander.stop(),
    }
  },
}

/** Somebody who uses the same relay, and whose log must stay theirs. */
class Bystander {
  readonly #relay: Relay
  readonly #client: RawClient
  readonly #failures: string[]
  readonly #sealer = new FakeSealer()
  readonly #appended: Uint8Array[] = []

  private constructor(relay: Relay, client: RawClient, failures: string[]) {
    this.#relay = relay
    this.#client = client
    this.#failures = failures
  }

  static async start(): Promise<Bystander> {
    const failures: string[] = []
    const log: Log = {
      info() {},
      warn() {},
      error: (message, fields) => void failures.push(`${message} ${JSON.stringify(fields)}`),
    }
    const relay = await createRelay({ data: 'memory', port: 0, log })
    const client = await RawClient.connect(relay.url)
    await client.join('bystander')
    await client.open(fakeRecord())
    return new Bystander(relay, client, failures)
  }

  /** A stranger says this, then asks whether anybody is there. */
  async hear(input: Uint8Array): Promise<string> {
    const socket = new WebSocket(this.#relay.url)
    socket.on('error', () => {})
    const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)))
    const opened = new Promise<void>((resolve) => socket.on('open', () => resolve()))
    await within(Promise.race([opened, closed]), 'a connection')
    const heard = new Promise<'goes on'>((resolve) => {
      socket.on('message', (frame: Buffer) => {
        if (frame.includes(PONG)) resolve('goes on')
      })
    })
    for (const frame of framesOf(input)) if (socket.readyState === WebSocket.OPEN) socket.send(frame)
    if (socket.readyState === WebSocket.OPEN) socket.send(encodeFrame([{ type: 'ping', nonce: NONCE }]))
    const ended = await within(Promise.race([heard, closed]), 'a word to a stranger')
    socket.terminate()
    promised(this.#failures.length === 0, `the relay failed: ${this.#failures[0]}`)
    if (ended === 'goes on') return ended
    promised(CLOSES.includes(ended), `closed with ${ended}`)
    return `closed ${ended}`
  }

  /** What was acked is there, and nothing else. */
  async look(): Promise<void> {
    const envelope = new Uint8Array(this.#sealer.seal())
    const answer = await within(this.#client.append([envelope]), 'an ack for a bystander')
    promised(answer.type === 'ack', `a bystander is refused: ${answer.type}`)
    this.#appended.push(envelope)
    const read = await readRoom(this.#relay.url, 'bystander')
    promised(typeof read !== 'string' && read.fits, `a bystander's log does not fit: ${JSON.stringify(read)}`)
    promised(read.entries.length === this.#appended.length, 'a bystander has more or less than was appended')
    promised(
      read.entries.every((each, i) => sameBytes(each, this.#appended[i] as Uint8Array)),
      'another entry',
    )
    const shared = await readRoom(this.#relay.url, 'room')
    promised(typeof shared === 'string' || shared.fits, 'the log of the room does not fit')
  }

  async stop(): Promise<void> {
    this.#client.end()
    await within(this.#relay.close(), 'the relay to close')
  }
}

const NONCE = 1_234_567
const PONG = Buffer.from(encodeFrame([{ type: 'pong', nonce: NONCE }]))

function inventConversation(random: () => number): Uint8Array {
  const said = conversation(random).flatMap((message) => {
    const way = below(random, 10)
    if (way === 0) return []
    if (way === 1) return [message, message]
    return [way === 2 ? garble(random, message) : message]
  })
  if (below(random, 3) === 0) said.splice(below(random, said.length + 1), 0, ...said.slice(0, below(random, 4)))
  const whole = said.flatMap((message) => sayable([message]) ?? [])
  if (below(random, 4) === 0 && whole.length > 0) {
    const at = below(random, whole.length)
    whole[at] = mutate(random, [whole[at] as Uint8Array])
  }
  const hello = below(random, 16) === 0 ? [] : [encodeFrame([HELLO])]
  return join(...[...hello, ...whole].map(prefixed))
}

/** One session with a bit of everything, in a room that all cases share or in one of its own. */
function conversation(random: () => number): Up[] {
  const channel = 1
  const salt = randomBytes(random, 16)
  const room = pick(random, ['room', 'room', `room-${below(random, 1_000_000)}`])
  const entriesOf = (kind: EnvelopeKind, ...counters: number[]) =>
    toEntries(
      counters.map((counter) =>
        join(encodeHeader({ kind, epochIndex: 0, salt, counter }), randomBytes(random, 20 + below(random, 40))),
      ),
    )
  const head = sha256(RECORD)
  const hash = hashPrefix(startHash(head))
  const checkpoint = randomBytes(random, 32)
  const envelope = join(
    encodeHeader({ kind: EnvelopeKind.awareness, epochIndex: 0, salt, counter: 1 }),
    randomBytes(random, 40),
  )
  const all: Up[] = [
    { type: 'join', channel, room, token: '', params: { a: 'b' }, cursor: 0, hash: new Uint8Array(0), observe: false },
    { type: 'open', channel, request: 1, record: RECORD, sequence: 0, envelopes: [] },
    { type: 'append', channel, request: 2, envelopes: entriesOf(EnvelopeKind.update, 1, 2) },
    { type: 'stage', channel, request: 3, envelopes: entriesOf(EnvelopeKind.update, 3) },
    { type: 'append', channel, request: 3, names: checkpoint, envelopes: entriesOf(EnvelopeKind.witness, 4) },
    { type: 'awareness', channel, envelope },
    { type: 'read', channel, request: 4, after: 0, to: 0 },
    { type: 'read', channel, request: 5, after: 0, to: 1 },
    { type: 'lease', channel, request: 6, purpose: pick(random, ['rotate', 'checkpoint']), head },
    { type: 'stage', channel, request: 6, envelopes: entriesOf(EnvelopeKind.checkpoint, 1) },
    { type: 'pause', channel, request: 7 },
    {
      type: 'open',
      channel,
      request: 6,
      record: fakeRecordOf(1),
      previous: head,
      sequence: 3,
      hash: head,
      envelopes: [],
    },
    { type: 'compact', channel, request: 6, sequence: 2, hash: head, checkpoint, envelopes: [] },
    { type: 'fetch', channel, request: 8, checkpoint, first: 1, last: 0 },
    { type: 'checkpoints', channel, request: 9, record: head },
    { type: 'release', channel, request: 10 },
    { type: 'refresh', channel, token: 'token' },
    { type: 'join', channel: 2, room, token: '', params: {}, head, cursor: 1, hash, observe: true },
    { type: 'leave', channel: 2 },
    { type: 'ping', nonce: 1 },
    { type: 'leave', channel },
  ]
  return all.filter((_, i) => i < 2 || below(random, 3) > 0)
}

/** As far as a relay reads it, and the same in every run. */
function fakeRecordOf(index: number): Uint8Array {
  return join(Uint8Array.of(1, 1, 0, index), new Uint8Array(60).fill(index + 1))
}

function frames(...each: (Up | Up[])[]): Uint8Array {
  return join(...each.map((said) => prefixed(encodeFrame(Array.isArray(said) ? said : [said]))))
}

function prefixed(frame: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(frame.length)
  return join(length, frame)
}

/** The frames of an input; a length that goes too far takes what there is. */
function framesOf(input: Uint8Array): Uint8Array[] {
  const bytes = Buffer.from(input)
  const found: Uint8Array[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = Math.min(bytes.length, at + 4 + bytes.readUInt32BE(at))
    found.push(new Uint8Array(bytes.subarray(at + 4, end)))
    at = end
  }
  return found
}
