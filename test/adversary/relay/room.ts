import { History } from './history.ts'
import type { Session } from './session.ts'

/** One document at the hostile relay: who is there, and which history each of them is shown. */
export class Room {
  readonly sessions = new Set<Session>()
  /** What everybody is shown who is not shown something else. */
  shared = new History()
  readonly #shownTo = new Map<string, History>()
  #leaseHolder: Session | undefined

  historyOf(member: string): History {
    return this.#shownTo.get(member) ?? this.shared
  }

  /** From their next join on, this member is shown (and writes into) that history; without one, what everybody is shown. */
  show(member: string, history: History | undefined): void {
    if (history === undefined) this.#shownTo.delete(member)
    else this.#shownTo.set(member, history)
  }

  /** The sessions of a member, newest last. */
  of(member: string): Session[] {
    return [...this.sessions].filter((session) => session.member === member)
  }

  others(session: Session): Session[] {
    return [...this.sessions].filter((other) => other !== session && other.history === session.history)
  }

  changed(history: History): void {
    for (const session of this.sessions) if (session.history === history) session.deliver()
  }

  lease(session: Session): boolean {
    if (this.#leaseHolder !== undefined && this.sessions.has(this.#leaseHolder)) return this.#leaseHolder === session
    this.#leaseHolder = session
    return true
  }

  release(session: Session): void {
    if (this.#leaseHolder === session) this.#leaseHolder = undefined
  }

  leave(session: Session): void {
    this.sessions.delete(session)
    for (const other of this.others(session))
      if (session.awareness !== undefined) other.say({ type: 'left', channel: other.channel, session: session.number })
  }
}
