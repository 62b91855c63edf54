import { closeReasons } from '@y-sealed/protocol'
import type { ShutOut } from '../auth/shut-out.ts'
import type { Nodes } from '../bus/nodes.ts'
import type { KeptEpoch, LogStore, Usage } from '../log/log-store.ts'
import type { Sweeper } from '../log/sweeper.ts'
import type { Rooms } from '../room/rooms.ts'

/** One join of one room, as an operator sees it. */
export interface SessionInfo {
  room: string
  /** Names it to the others of the room. */
  session: number
  subject: string
  role: 'read' | 'write'
  isObserver: boolean
  joinedAtUnixMs: number
}

/** What an operator does; the same by method and by HTTP. */
export interface Operator {
  /**
   * Asks all who are in this room to look at their key endpoint: call it when the current key of its document has changed there,
   * so that they learn it in seconds and not in ten minutes. A hint: members believe the endpoint only, and ask it at most once a minute.
   */
  recheck(room: string): void
  /** What this room takes on disk: since the base of its head epoch, and before. A sweep that is under way is waited for. */
  usage(room: string): Promise<Usage>
  /** The epochs of this room, and whether their keys are still needed at the endpoint. */
  keptEpochs(room: string): Promise<KeptEpoch[]>
  /** Who is there now: in one room, or in all of this process. */
  sessions(room?: string): Promise<SessionInfo[]>
  /**
   * Closes the sessions of one subject with 4403, in one room or in all of this process, and refuses the tokens that were made until now
   * (`iat`) for a day, or until the process ends. How many were closed here; other relays of the store close theirs within a second, and remember it. It takes no key away: rotate at the key endpoint for that.
   */
  closeSessions(which: { subject: string; room?: string }): Promise<number>
  /**
   * Deletes what the relay has of a document: entries, checkpoints and records. Sessions end with 4404, and so does who
   * joins from now on, for ever; clients keep their text. Resolves when it is gone. False: it was deleted before.
   */
  deleteDocument(room: string): Promise<boolean>
}

export interface OperatorPorts {
  store: LogStore
  rooms: Rooms
  sweeper: Sweeper
  shutOut: ShutOut
  /** The other relays of the store. */
  nodes: Nodes | undefined
}

export function createOperator({ store, rooms, sweeper, shutOut, nodes }: OperatorPorts): Operator {
  return {
    recheck(room) {
      rooms.recheck(room)
      nodes?.sayOf(room, { type: 'recheck' })
    },
    async usage(room) {
      await sweeper.settled()
      return await store.usage(room)
    },
    keptEpochs: (room) => store.keptEpochs(room),
    async sessions(room) {
      const present = await rooms.present()
      return present
        .filter(({ name }) => room === undefined || name === room)
        .flatMap(({ name, members }) => members.map((member) => ({ room: name, ...member.info })))
    },
    async closeSessions({ subject, room }) {
      // Before anything is awaited: who joins meanwhile is refused.
      const { who, since } = shutOut.add(subject, room)
      const present = await rooms.present()
      const theirs = present
        .filter(({ name }) => room === undefined || name === room)
        .flatMap(({ members }) => members.filter(({ info }) => info.subject === subject))
      for (const member of theirs) member.close(closeReasons.revoked)
      await nodes?.shutOut(who, since)
      return theirs.length
    },
    async deleteDocument(room) {
      const isNew = await store.delete(room)
      // Also where it was deleted before: on another node, say.
      await rooms.delete(room)
      nodes?.sayOf(room, { type: 'look' })
      await sweeper.sweepNow()
      return isNew
    },
  }
}
