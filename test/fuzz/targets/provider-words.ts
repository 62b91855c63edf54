import { type Down, parseDownFrame } from '@y-sealed/protocol'
import type { KeySource } from 'y-sealed'
import { untilEqual } from '../../support/convergence.ts'
import { patiently, untilText } from '../../support/events.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { headOf, placeOf, someLie } from '../../support/lies.ts'
import { below, pick, randomBytes, seededRandom } from '../../support/random.ts'
import { heardBy, passUntil, saidBy } from '../../support/rotation-steps.ts'
import { type Person, startWorld, type World } from '../../support/world.ts'
import { promised, type Target } from '../target.ts'
import { vectorFrames } from './frames.ts'
import { garble, sayable } from './garbled-message.ts'

/** What a relay's lies may be told as. `internal` is a bug of ours, `member-fault` a member's, and no relay can make either. */
const TOLD = [
  'relay-fault',
  'tampered',
  'gap',
  'withheld',
  'rollback',
  'fork',
  'pruned',
  'stale-epoch',
  'checkpoint-incomplete',
  'key-mismatch',
  'key-unknown',
  'key-refused',
  'key-rotated',
  'unsupported',
  'write-denied',
  'auth-required',
  'authentication-failed',
  'session-revoked',
  'document-deleted',
  'limit',
  'update-required',
  'interrupted',
]

/** Of these, what one member says under seal tells every reader. */
const CONTRADICTIONS = ['fork', 'withheld']

const STEPS = 40

/** Each join asks whether the key is still the one, and once more where a shown record fits nothing; a nudge is listened to once a minute. */
const ASKS_PER_JOIN = 4
const ASKS_PER_MINUTE = 6

/**
 * Everything a relay can say, said to a provider in use (attacks B9 to B13, C6): at any time, in any state, with any field. It may cost
 * availability; it never changes content, epoch or trust.
 */
export const providerWords: Target = {
  name: 'provider-words',
  promise:
    'a lie costs availability at most: no content, no epoch, no trust; and an honest relay makes all whole again',
  sampleCases: 5,
  mustMeet: ['whole again'],
  async open() {
    const vectors = vectorFrames('down').flatMap(parseDownFrame)
    return {
      seeds: [Uint8Array.of(1)],
      // A seed of a story: what is said next depends on what was said before.
      invent: (random) => randomBytes(random, 8),
      check: (input) => tellLies(seededRandom(Buffer.from(input).toString('hex')), vectors),
    }
  },
}

async function tellLies(random: () => number, vectors: readonly Down[]): Promise<string> {
  const world = await startWorld()
  try {
    const victim = await Victim.join(world)
    for (let step = 0; step < STEPS; step++) await victim.step(random, vectors)
    await victim.becomesWhole()
    return 'whole again'
  } finally {
    await world.close()
  }
}

/** Bob, whom the relay lies to; Alice hears the truth. */
class Victim {
  readonly #world: World
  readonly #alice: Person
  readonly #bob: Person
  readonly #clock: FakeClock
  readonly #startMs: number
  readonly #asked: () => number
  readonly #epoch: string
  #typed = ''
  #words = 0

  private constructor(world: World, alice: Person, bob: Person, clock: FakeClock, asked: () => number) {
    this.#world = world
    this.#alice = alice
    this.#bob = bob
    this.#clock = clock
    this.#startMs = clock.now()
    this.#asked = asked
    this.#epoch = nameOf(bob)
  }

  static async join(world: World): Promise<Victim> {
    const alice = await world.joined('Alice', { expects: TOLD })
    alice.text.insert(0, world.canary('of Alice'))
    await patiently(alice.provider.flush(), 'what Alice wrote to be durable')
    const clock = new FakeClock(Date.now())
    let asked = 0
    const keys: KeySource = (request, options) => {
      asked++
      return world.keys(request, options)
    }
    const bob = await world.joined('Bob', { keys, unsafeClock: clock, expects: TOLD })
    return new Victim(world, alice, bob, clock, () => asked)
  }

  async step(random: () => number, vectors: readonly Down[]): Promise<void> {
    const act = below(random, 9)
    if (act < 4) await this.#lie(random, vectors)
    else if (act === 4) this.#garbleOnTheWay(random)
    else if (act === 5) this.#type()
    else if (act === 6) this.#alice.doc.getText('alice').insert(0, `${this.#words++}. `)
    await (act > 6 ? this.#clock.advance(pick(random, [100, 1_000, 15_000, 70_000])) : settle())
    // Sent away by a lie, a person comes back.
    if (this.#bob.wire.openSockets.length === 0 && below(random, 2) === 0) this.#bob.provider.connect()
    this.#expectUnharmed()
  }

  async #lie(random: () => number, vectors: readonly Down[]): Promise<void> {
    const known = { ...(await headOf(this.#world)), ...placeOf(this.#bob) }
    const heard = heardBy(this.#bob)
    const said: Down[] = []
    for (let left = pick(random, [1, 1, 2, 20]); left > 0; left--) {
      if (below(random, 2) === 0) said.push(...someLie(random, known))
      else said.push(garble(random, pick(random, below(random, 3) === 0 ? vectors : heard), ['type', 'channel']))
    }
    const frame = sayable(
      said.map((each) => ('channel' in each && below(random, 16) > 0 ? { ...each, channel: known.channel } : each)),
    )
    if (frame !== undefined) this.#bob.wire.openSockets.at(-1)?.deliver(frame)
  }

  /** What the relay does say is garbled on its way, now and then: each message in the very state that it is for. */
  #garbleOnTheWay(random: () => number): void {
    const share = pick(random, [4, 16, 64])
    this.#bob.wire.rewrite('down', (messages) => {
      const retold = (messages as Down[]).flatMap((message) => {
        if (below(random, share) > 0) return [message]
        return pick(random, [[], [message, message], [garble(random, message, ['type', 'channel'])]])
      })
      return sayable(retold) === undefined ? messages : retold
    })
  }

  #type(): void {
    const word = `${this.#words++}, `
    this.#typed = word + this.#typed
    this.#bob.doc.getText('bob').insert(0, word)
  }

  /** What holds in every moment, whatever was said. */
  #expectUnharmed(): void {
    const { doc, text, provider, problems } = this.#bob
    promised(doc.getText('bob').toString() === this.#typed, `what Bob typed has become ${doc.getText('bob')}`)
    promised(text.toString() === this.#alice.text.toString(), 'what Bob had read has changed')
    promised(this.#alice.doc.getText('alice').toString().endsWith(doc.getText('alice').toString()), 'words of nobody')
    promised(nameOf(this.#bob) === this.#epoch, 'another epoch')
    const strange = problems.find(({ code }) => !TOLD.includes(code))
    promised(strange === undefined, `a relay can make a provider say ${strange?.code}: ${strange?.message}`)
    const joins = saidBy(this.#bob).filter(({ type }) => type === 'join').length
    const minutes = 1 + (this.#clock.now() - this.#startMs) / 60_000
    const mayAsk = joins * ASKS_PER_JOIN + minutes * ASKS_PER_MINUTE
    promised(this.#asked() <= mayAsk, `${this.#asked()} key requests in ${minutes} minutes and ${joins} joins`)
    promised(!provider.synced || this.#bob.wire.openSockets.length > 0, 'synced without a connection')
  }

  /** The relay tells the truth from here on; a person presses "connect", in case it had sent them away. */
  async becomesWhole(): Promise<void> {
    const { provider, doc, wire } = this.#bob
    wire.rewrite('down', undefined)
    wire.cut()
    await this.#clock.advance(1_000)
    provider.connect()
    this.#type()
    this.#alice.doc.getText('alice').insert(0, 'at the end. ')
    await passUntil(untilEqual([doc, this.#alice.doc], 'Alice and Bob to have the same'), [this.#clock], 1_000)
    await passUntil(provider.flush(), [this.#clock], 1_000)
    this.#expectUnharmed()
    // What Bob has vouched for under seal while he was lied to stays in the log: who reads it later is told what Alice was told.
    const standing = CONTRADICTIONS.filter((code) => this.#alice.problems.some((problem) => problem.code === code))
    const reader = await this.#world.joined('reader', { expects: standing })
    await untilText(reader.doc, this.#typed, 'bob')
    await untilEqual([doc, this.#alice.doc, reader.doc], 'a fresh reader to have the same')
  }
}

const nameOf = ({ provider }: Person): string => JSON.stringify(provider.epoch ?? null)
