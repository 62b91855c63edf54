import type { Rules } from './rules.ts'
import type { Budget, EpochFacts, Member, RecordId, Session, Shared, World } from './world.ts'

/** Sessions of members are numbered by their places, those without a member after them. */
const FIRST_ORPHAN = 100

/** One step: a world, and the one that it becomes. What is not asked for stays what it is; lists are replaced, never changed. */
export class Turn {
  readonly rules: Rules
  readonly #before: World
  readonly #members: Member[]
  #orphans: readonly Session[]
  #touchedOrphans = false
  #shared: Shared | undefined
  readonly #touched = new Set<number>()

  constructor(before: World, rules: Rules) {
    this.rules = rules
    this.#before = before
    this.#members = [...before.members]
    this.#orphans = before.orphans
  }

  get after(): World {
    return { shared: this.#shared ?? this.#before.shared, members: this.#members, orphans: this.#orphans }
  }

  /** Members that were asked for. */
  get changed(): Iterable<number> {
    return this.#touched
  }

  /** To be changed. */
  get shared(): Shared {
    this.#shared ??= { ...this.#before.shared }
    return this.#shared
  }

  /** To be changed. */
  member(place: number): Member {
    const member = this.#members[place]
    if (member === undefined) throw new RangeError(`no member ${place}`)
    if (this.#touched.has(place)) return member
    this.#touched.add(place)
    const { session, rotation } = member
    const copy: Member = {
      ...member,
      session: session && { ...session },
      rotation: rotation && { ...rotation },
    }
    this.#members[place] = copy
    return copy
  }

  /** To be changed: those whose members are gone. */
  get orphans(): readonly Session[] {
    if (!this.#touchedOrphans) this.#orphans = this.#orphans.map((session) => ({ ...session }))
    this.#touchedOrphans = true
    return this.#orphans
  }

  set orphans(orphans: readonly Session[]) {
    this.#touchedOrphans = true
    this.#orphans = orphans
  }

  /** The session of this number, to be changed. */
  session(number: number): Session {
    const session = number >= FIRST_ORPHAN ? this.orphans[number - FIRST_ORPHAN] : this.member(number - 1).session
    if (session === undefined) throw new RangeError(`no session ${number}`)
    return session
  }

  /** Sessions by number, for a look. */
  *sessions(): Generator<readonly [number, Session]> {
    for (const [place, { session }] of this.#members.entries()) if (session) yield [place + 1, session]
    for (const [place, session] of this.#orphans.entries()) yield [FIRST_ORPHAN + place, session]
  }

  spend(what: keyof Budget): void {
    const { left } = this.shared
    this.shared.left = { ...left, [what]: left[what] - 1 }
  }

  epoch(id: RecordId): EpochFacts {
    const { records } = this.#shared ?? this.#before.shared
    const found = records.find((each) => each.id === id)
    if (found === undefined) throw new RangeError(`no record ${id}`)
    return found
  }

  get head(): EpochFacts | undefined {
    return (this.#shared ?? this.#before.shared).records.at(-1)
  }
}

export const sessionOf = (place: number): number => place + 1
export const orphanAt = (place: number): number => FIRST_ORPHAN + place
export const isOrphan = (session: number): boolean => session >= FIRST_ORPHAN
