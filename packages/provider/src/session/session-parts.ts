import { Inbound } from '../inbound/inbound.ts'
import { LogState } from '../log-state/log-state.ts'
import { type KnownPlace, SealedError } from '../sealed-error.ts'
import { Witnesses } from '../witness/witnesses.ts'
import type { Requests } from './channel.ts'
import { Checkpoints } from './checkpoints.ts'
import { DownMessages } from './down-messages.ts'
import { Epochs } from './epochs.ts'
import { Reading } from './reading.ts'
import type { Phase, SessionPorts } from './session-ports.ts'
import { Writing } from './writing.ts'

/** What the parts ask of their session, and tell it. */
export interface Conduct {
  readonly requests: Requests
  phase(): Phase
  setPhase(phase: Phase): void
  /** Rises at each join and at each end. */
  life(): number
  /** What is begun and not awaited. */
  run(work: Promise<void>): void
  /** The relay's words do not fit together. */
  distrust(message: string, known?: KnownPlace): void
  startOver(): void
  halt(error: SealedError): void
  /** In the newest epoch, with its keys. */
  keyed(readAgain: boolean): void
  /** The reader has got on. */
  progress(): void
  /** An append was acked, and fits. */
  settled(): void
  /** Every entry has been applied. */
  complete(): void
  /** For how long the token allows what it allows; undefined: it does not end. */
  accessLasts(lifeMs: number | undefined): void
  /** The relay has ended the session. */
  closed(code: number, reason: string): void
}

export interface SessionParts {
  readonly inbound: Inbound
  readonly reading: Reading
  readonly writing: Writing
  readonly checkpoints: Checkpoints
  readonly witnesses: Witnesses
  readonly epochs: Epochs
  readonly messages: DownMessages
}

/** What a session consists of, and which part tells which of what. */
export function connectParts(ports: SessionPorts, session: Conduct): SessionParts {
  const { problems, clock } = ports
  const logState = new LogState()

  /** Live, and nothing stands in the way of the log and this document becoming one. */
  function isUndisturbed(): boolean {
    const { isRetired, isRotating } = epochs
    const { canWrite, obstacle, unsent } = writing
    return canWrite && !isRetired && !isRotating && obstacle === undefined && !unsent.hasDisowned
  }

  // The parts know each other, so each says what it is.
  const inbound: Inbound = new Inbound({
    ...ports,
    logState,
    ownSalt: () => writing.sealer.sealer?.salt,
    onProgress: () => session.progress(),
    onSettled: () => session.settled(),
    onForeignContent: () => {
      const missing = writing.unsent.lacking()
      if (missing !== undefined) ports.onForeignContent(missing)
    },
    onBegin: (epoch, isAnew) => {
      if (isAnew) ports.onBegan()
      witnesses.began(epoch, isAnew)
    },
    onTaken: (taken) => {
      witnesses.taken(taken)
      checkpoints.taken(taken)
    },
    onLogged: (update, sequence) => {
      epochs.logged(update)
      checkpoints.logged(update)
      ports.onLogged(update, sequence)
    },
    onFreshId: (before) => ports.awareness.follow(before),
    onWritten: (sealer, client) => ports.awareness.wrote(sealer, client),
    reread: (after) => reading.read(after),
    onRelayFault: (message, known) => session.distrust(message, known),
    onOpenFailed: () => {
      problems.raise('internal', 'opening failed; it is tried again in a new session', 'entry')
      session.startOver()
    },
  })
  const common = {
    session: ports,
    inbound,
    logState,
    requests: session.requests,
    run: (work: Promise<void>) => session.run(work),
    distrust: (message: string, known?: KnownPlace) => session.distrust(message, known),
    startOver: () => session.startOver(),
  }
  const reading: Reading = new Reading({
    ...common,
    problems,
    clock,
    hasEpoch: () => epochs.present !== undefined,
    readsHead: () => epochs.present !== undefined && epochs.isHead(epochs.present.hash),
    isAwaited: () => session.phase() === 'reading',
    onRead: () => {
      writing.appender.pause()
      if (session.phase() === 'live') session.setPhase('reading')
    },
    onComplete: () => session.complete(),
    onPruned: () => session.startOver(),
  })
  const writing: Writing = new Writing({
    ...common,
    epoch: () => epochs.present,
    isLive: () => session.phase() === 'live',
    life: () => session.life(),
    onRecord: (record) => {
      epochs.recordAppeared(record, true)
      return epochs.isThere
    },
    read: () => reading.read(inbound.cursor),
    readLater: () => reading.readLater(),
    onBirth: (salt) => witnesses.noteOwn(salt),
    lastWitness: () => witnesses.last(),
    onDenied: () => checkpoints.refuse(new SealedError('write-denied', 'this session may only read', 'checkpoint')),
  })
  const checkpoints: Checkpoints = new Checkpoints({
    ...common,
    history: () => epochs.history,
    isHead: (recordHash) => epochs.isHead(recordHash),
    liveEpoch: () => (isUndisturbed() ? epochs.present : undefined),
    onRecord: (record) => epochs.recordAppeared(record, true),
    heal: () => writing.heal(),
    onMade: ({ sequence }) => witnesses.checkpointMade(sequence),
    witness: (make) => witnesses.append(make),
  })
  const witnesses: Witnesses = new Witnesses({
    ...ports,
    reader: () => inbound,
    isLive: () => session.phase() === 'live',
    mayAppend: () => isUndisturbed() && inbound.isSure,
    append: (make) => writing.appender.witness(make),
  })
  const epochs: Epochs = new Epochs({
    ...common,
    checkpoints,
    writing,
    phase: () => session.phase(),
    isContradicted: () => witnesses.isContradicted,
    onLeaving: () => {
      reading.leaving()
      writing.stop()
      ports.awareness.suspend()
      // What came while a person was to decide was not taken.
      if (session.phase() === 'held' && epochs.present !== undefined) reading.read(inbound.cursor)
      session.setPhase('keying')
    },
    onRetired: () => {
      writing.retire()
      ports.awareness.mute()
      ports.onRetirement()
    },
    onUnretired: () => {
      ports.awareness.unmute()
      writing.unretire()
      ports.onRetirement()
    },
    onThere: (readAgain) => session.keyed(readAgain),
    onOwnEntries: (sequence) => reading.endsAt(sequence),
    onHeld: (error) => {
      writing.stop()
      writing.sealer.leave()
      inbound.forgetWaiting()
      ports.awareness.stop()
      ports.onHalted(error)
      session.setPhase('held')
    },
    halt: (error) => session.halt(error),
  })
  const messages: DownMessages = new DownMessages({
    awareness: ports.awareness,
    inbound,
    reading,
    writing,
    checkpoints,
    epochs,
    phase: () => session.phase(),
    onJoined: (joined) => {
      writing.role = joined.role
      reading.expect(joined.sequence)
      session.setPhase('keying')
      epochs.joined(joined)
    },
    onAccess: ({ role, lifeMs }) => {
      // Who may write from here on, or no more, begins anew: nothing has to change its mind in the middle.
      if (role === writing.role) session.accessLasts(lifeMs)
      else session.startOver()
    },
    onClosed: (code, reason) => session.closed(code, reason),
  })

  return { inbound, reading, writing, checkpoints, witnesses, epochs, messages }
}
