import { areEqual } from '../support/convergence.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { type Person, type PersonOptions, startWorld, type World, type WorldOptions } from '../support/world.ts'
import type { Attack } from './attack.ts'
import type { Outcome } from './outcome.ts'
import { HostileRelay } from './relay/hostile-relay.ts'

/** Longer than any patience of a provider that an attack is up against (60 s of heartbeat, then a new session). */
const MAX_PASSING_MS = 150_000
const STEP_MS = 250

/**
 * The honest members, the hostile relay between them, and a clock that all members share, so that "after how long" is their time and not the
 * machine's. Everything that they type is secret, is searched for in all that the relay saw, and has to be with all of them at the end.
 */
export class Scene {
  readonly clock = new FakeClock(Date.now())
  readonly world: World
  readonly #relay: HostileRelay | undefined
  readonly #words: { room: string; word: string }[] = []
  /** Everybody whose network is in this story's hands. */
  readonly #people: Person[] = []
  readonly #members: Person[] = []
  readonly #remarks: string[] = []
  readonly #noticed: { name: string; code: string; atMs: number }[] = []
  #struckAtMs: number | undefined

  private constructor(world: World, relay: HostileRelay | undefined) {
    this.world = world
    this.#relay = relay
  }

  static async open({ relay: whose, world = () => ({}) }: Pick<Attack, 'relay' | 'world'>): Promise<Scene> {
    const relay = whose === 'ours' ? undefined : await HostileRelay.start()
    const options: WorldOptions = { ...world(), ...(relay && { relayUrl: relay.url }) }
    return new Scene(await startWorld(options), relay)
  }

  get relay(): HostileRelay {
    if (this.#relay === undefined) throw new Error('the relay of this attack is ours')
    return this.#relay
  }

  /** An honest member, not yet synced. `isHonest: false`: what it has at the end is nobody's loss. */
  person(name: string, { isHonest = true, ...options }: PersonOptions & { isHonest?: boolean } = {}): Person {
    const person = this.world.person(name, { token: name, unsafeClock: this.clock, ...options })
    this.#people.push(person)
    if (isHonest) this.#members.push(person)
    person.provider.on('problem', ({ code }) => this.#noticed.push({ name, code, atMs: this.clock.now() }))
    return person
  }

  /** The same, once the document is complete. */
  async member(name: string, options: PersonOptions & { isHonest?: boolean } = {}): Promise<Person> {
    const person = this.person(name, options)
    await this.pass(person.provider.whenSynced, `${name} to be synced`)
    return person
  }

  /** A member with something to lose: a word, durable. */
  async writer(name: string, options: PersonOptions & { isHonest?: boolean } = {}): Promise<Person> {
    const person = await this.member(name, options)
    await this.write(person)
    return person
  }

  /** Somebody types a word at the end of the text, which nobody but the members may ever see. */
  type(person: Person): string {
    const word = this.world.canary(person.name.toLowerCase())
    person.text.insert(person.text.length, `${word} `)
    this.#words.push({ room: person.provider.roomname, word })
    return word
  }

  /** The same, and the relay has said that it is durable. */
  async write(person: Person): Promise<string> {
    const word = this.type(person)
    await this.pass(person.provider.flush(), `${person.name}'s edit to be durable`)
    return word
  }

  /** The attack begins: what is noticed, is noticed after this. */
  strike(): void {
    this.#struckAtMs = this.clock.now()
  }

  /** Waits until somebody has been told all these codes. */
  async notices(person: Person, ...codes: string[]): Promise<void> {
    for (const code of codes) {
      const isTold = (): boolean => person.problems.some((problem) => problem.code === code)
      await this.until(isTold, `${person.name} to be told ${code}`)
    }
  }

  /** For the table: what was seen that is no event. */
  remark(what: string): void {
    this.#remarks.push(what)
  }

  /** Waits until all of them have the same, and everything that any honest member has typed. */
  async agree(...people: Person[]): Promise<void> {
    const isSo = (): boolean => areEqual(people.map(({ doc }) => doc)) && this.#missing(people).length === 0
    await this.until(isSo, `${people.map(({ name }) => name).join(' and ')} to have all that was typed`)
  }

  /** The members' time passes until the condition holds. */
  async until(isSo: () => boolean, what: string): Promise<void> {
    for (let passedMs = 0; !isSo(); passedMs += STEP_MS) {
      if (passedMs >= MAX_PASSING_MS) throw new Error(`waited in vain for ${what}`)
      await this.#arrivals()
      if (!isSo()) await this.clock.advance(STEP_MS)
    }
  }

  /** The members' time passes until something has happened. */
  async pass<T>(happening: Promise<T>, what: string): Promise<T> {
    let isOver = false
    const happened = happening.finally(() => {
      isOver = true
    })
    // Rejected is over too, and is told where it is awaited.
    happened.catch(() => {})
    await this.until(() => isOver, what)
    return happened
  }

  /** So much of the members' time passes. */
  async wait(ms: number, stepMs = STEP_MS): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      await this.#arrivals()
      await this.clock.advance(stepMs)
    }
  }

  /** What is on its way arrives, without any of the members' time passing. */
  async settle(): Promise<void> {
    await this.#arrivals()
  }

  /** Whether something that was typed is missing at a member. */
  lacks(person: Person): boolean {
    return this.#missing([person]).length > 0
  }

  /** Every honest member that is still there has every word. */
  checkNothingLost(): void {
    const lost = this.#missing(this.#members)
    if (lost.length > 0) throw new Error(`lost: ${lost.join(', ')}`)
  }

  /** A member that has no part in the end of the story: destroyed, or never let in. */
  leaves(person: Person): void {
    person.provider.destroy()
    this.#members.splice(this.#members.indexOf(person), 1)
  }

  outcome({ id, title, done }: Attack): Outcome {
    const struckAtMs = this.#struckAtMs ?? 0
    const told = this.#noticed.filter(({ atMs }) => atMs >= struckAtMs)
    const codes = new Map<string, Set<string>>()
    for (const { name, code } of told) codes.set(name, (codes.get(name) ?? new Set()).add(code))
    const namesByCodes = new Map<string, string[]>()
    for (const [name, each] of codes) {
      const list = [...each].join(', ')
      namesByCodes.set(list, [...(namesByCodes.get(list) ?? []), name])
    }
    const events = [...namesByCodes].map(([list, names]) => `${crowdOf(names)}: ${list}`)
    const [first] = told
    return {
      id,
      title,
      done,
      noticed: [...events, ...this.#remarks].join('; '),
      after: first === undefined ? 'at once' : durationOf(first.atMs - struckAtMs),
      lost: 'nothing',
    }
  }

  /** Ends everything; throws where a secret was found, a nonce repeated, or somebody was told what was not expected. */
  async close(): Promise<void> {
    await this.world.close()
    await this.#relay?.close()
  }

  /** What is on its way over real sockets arrives before the members' clock goes on: a busy machine is no slow relay. */
  async #arrivals(): Promise<void> {
    await Promise.all([this.world.keysAnswered(), ...this.#people.map(({ wire }) => wire.settled())])
    // What a checkpoint's hash is, other threads find out: they are given a turn each time, too.
    await crypto.subtle.digest('SHA-256', new Uint8Array(0))
    await settle()
  }

  #missing(people: readonly Person[]): string[] {
    return people.flatMap(({ name, text, provider: { roomname } }) => {
      const has = text.toString()
      const words = this.#words.filter(({ room, word }) => room === roomname && !has.includes(word))
      return words.map(({ word }) => `${word} (at ${name})`)
    })
  }
}

/** A table has no room for the names of ten. */
function crowdOf(names: readonly string[]): string {
  return names.length > 3 ? `${names.length} members` : names.join(', ')
}

function durationOf(ms: number): string {
  return ms < 1_000 ? 'at once' : `${Math.round(ms / 1_000)} s`
}
