import type { Access, Down, Joined } from '@y-sealed/protocol'
import type { SealedAwareness } from '../awareness/sealed-awareness.ts'
import type { Inbound } from '../inbound/inbound.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Epochs } from './epochs.ts'
import type { Reading } from './reading.ts'
import type { Phase } from './session-ports.ts'
import type { Writing } from './writing.ts'

export interface DownMessagesPorts {
  readonly awareness: SealedAwareness
  readonly inbound: Inbound
  readonly reading: Reading
  readonly writing: Writing
  readonly checkpoints: Checkpoints
  readonly epochs: Epochs
  phase(): Phase
  onJoined(joined: Joined): void
  onAccess(access: Access): void
  /** The relay ended this document's session. */
  onClosed(code: number, reason: string): void
}

/** What the relay says, and whom it concerns. */
export class DownMessages {
  readonly #ports: DownMessagesPorts
  #answers = 0

  constructor(ports: DownMessagesPorts) {
    this.#ports = ports
  }

  /** How many have answered something. */
  get answers(): number {
    return this.#answers
  }

  receive(messages: readonly Down[]): void {
    for (const message of messages) {
      const phase = this.#ports.phase()
      // A message may end the session; what came with it in the frame is then nobody's.
      if (phase === 'away' || phase === 'halted') return
      this.#receiveOne(message, phase)
    }
  }

  #receiveOne(message: Down, phase: Phase): void {
    const { awareness, inbound, reading, writing, checkpoints, epochs, onJoined, onAccess, onClosed } = this.#ports
    if (epochs.takes(message) || checkpoints.takes(message)) {
      this.#answers++
      return
    }
    switch (message.type) {
      case 'records':
        if (phase === 'joining') epochs.show(message.records)
        break
      case 'joined':
        if (phase === 'joining') onJoined(message)
        break
      case 'entries':
        // While a person has to decide, they are another document's.
        if (phase !== 'held') inbound.receive(message.first, message.hashBefore, message.entries)
        break
      case 'caught-up':
        reading.caughtUp(message)
        break
      case 'staged':
        this.#answers++
        writing.appender.onStaged(message.request)
        break
      case 'ack':
        writing.appender.onAck(message)
        break
      case 'record':
        epochs.recordAppeared(message.record)
        break
      case 'refused':
        if (!reading.takesRefusal(message)) writing.appender.onRefused(message)
        break
      case 'awareness':
        awareness.receive(message.session, message.envelope)
        break
      case 'left':
        awareness.left(message.session)
        break
      case 'recheck':
        epochs.nudged()
        break
      case 'access':
        onAccess(message)
        break
      case 'heartbeat':
        if (phase === 'live' && !writing.appender.isBusy) reading.heartbeat(message.sequence, message.hash)
        break
      case 'closed':
        onClosed(message.code, message.reason)
        break
    }
  }
}
