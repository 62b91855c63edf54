import { recordHash } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import type { Down, Entry, Limits, Refused, Up } from '@y-sealed/protocol'
import type * as Y from 'yjs'
import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import type { Epoch, FreshKey, KeyState } from '../epoch/epoch.ts'
import { factsOf, type KeyDesk } from '../epoch/key-desk.ts'
import { equalBytes } from '../hex.ts'
import type { LogState } from '../log-state/log-state.ts'
import { SealedError } from '../sealed-error.ts'
import { chooseKey } from './choose-key.ts'
import { Covering } from './covering.ts'
import { type Covered, RotationAttempt } from './rotation-attempt.ts'
import {
  isOver,
  ROTATION_START,
  type RotationAct,
  type RotationEvent,
  type RotationState,
  rotationStep,
} from './rotation-state.ts'

/** Somebody else's rotation is over within seconds; if they vanished, their lease is within a minute. With jitter, so that twenty do not ask at once. */
const WAIT_MS = 5_000
/** The relay pauses for 5 s at most (protocol §6): an `open` that cannot arrive by then would cost all that is staged. */
const PAUSE_MS = 4_000
/** After a pause that ran out the relay grants the next one 30 s later. */
const REST_MS = 31_000
/** Two acks cover what was typed when the copy was made; on a link this slow nothing else works either. */
const COVER_MS = 60_000
/** What is left for the pause: a tenth of a second on a slow link. */
const SHORT_TAIL_BYTES = 48 * 1024

export interface RotatorPorts {
  readonly doc: Y.Doc
  readonly documentId: string
  readonly padding: boolean
  readonly clock: Clock
  readonly logState: LogState
  readonly keyDesk: KeyDesk
  limits(): Limits
  channel(): number
  nextRequest(): number
  send(messages: Up[]): void
  /** Where the reader stands. `isWhole`: nothing of the log before it is held back. */
  reader(): { readonly cursor: number; readonly hash: Uint8Array; readonly isWhole: boolean }
  /** Every epoch that is held good or was shown. */
  known(): readonly ChainedEpoch[]
  /** The log of an epoch through a sequence, as a document of its own. */
  openLog(epoch: Epoch, sequence: number): Promise<Y.Doc>
  /** The relay's head is another than the one that was to be replaced. */
  onRecord(record: Uint8Array): void
  /** The relay took it. */
  onOpened(opened: OwnEpoch): void
  /** Nothing was opened by this rotator; without an error there is somebody else's epoch. */
  onEnded(error: SealedError | undefined): void
}

/** An epoch that this client has opened, and where its log stands. */
export interface OwnEpoch {
  readonly epoch: Epoch
  readonly state: KeyState
  /** What it begins with. */
  readonly checkpoint: Uint8Array | undefined
  /** Of that, sealed. */
  readonly checkpointBytes: number
  /** Its first entries: the log since the checkpoint. */
  readonly entries: readonly Entry[]
  readonly sequence: number
  readonly hash: Uint8Array
}

/** What a rotation is to follow. */
export interface RotationGoal {
  /** The last good epoch. */
  readonly present: Epoch
  /** recordHash of the relay's head, which is another where that one is void. */
  readonly head: Uint8Array
  /** The checkpoint from which its log can be read: the newest that a member vouches for, or its first; zeros: it has none. */
  readonly checkpoint: Uint8Array
  /** The hint that the endpoint is asked to leave. */
  readonly after: string
  /** Nothing more is appended to the present epoch by this client. */
  readonly isClosed: boolean
  /** A person has decided to go on without an epoch that the endpoint knows of. */
  readonly isForced: boolean
}

/** Carries out one rotation; `rotation-state` decides. */
export class Rotator {
  readonly #ports: RotatorPorts
  readonly #goal: RotationGoal
  readonly #request: number
  readonly #covering: Covering
  #state: RotationState = ROTATION_START.state
  #fresh: FreshKey | undefined
  #attempt: RotationAttempt | undefined
  #paused: { readonly sequence: number; readonly hash: Uint8Array } | undefined
  #pauseRequest = 0
  #opening: Epoch | undefined
  #isStageInFlight = false
  #timer: unknown
  #error: SealedError | undefined

  constructor(ports: RotatorPorts, goal: RotationGoal) {
    this.#ports = ports
    this.#goal = goal
    this.#covering = new Covering(
      {
        ...ports,
        epoch: goal.present,
        onFetch: () => {
          // The stall watch looks whether it gets on.
          ports.clock.clearTimeout(this.#timer)
        },
        onCovered: (covered, isOvertaken) => this.#beginAttempt(covered, isOvertaken),
        run: (work) => this.#run(work),
      },
      goal.isClosed,
    )
    // Lease, what is staged and `open` share one number.
    this.#request = ports.nextRequest()
  }

  begin(): void {
    this.#act('lease')
  }

  /** Changes whenever the rotation gets on, while it waits for the relay; undefined while it waits for something else. */
  get owed(): string | undefined {
    const { at } = this.#state
    if (at !== 'leasing' && at !== 'pausing' && at !== 'opening' && !this.#isStageInFlight) return undefined
    return `${at} ${this.#attempt?.frames.left ?? 0}`
  }

  get isOpening(): boolean {
    return this.#state.at === 'opening'
  }

  get #isVoid(): boolean {
    return !equalBytes(this.#goal.head, this.#goal.present.hash)
  }

  /** True if the message answered this rotator. */
  takes(message: Down): boolean {
    if (!('request' in message)) return false
    const isPause = message.request === this.#pauseRequest && this.#pauseRequest > 0
    if (message.request !== this.#request && !isPause) return false
    switch (message.type) {
      case 'leased':
        this.#step({ type: 'leased' })
        return true
      case 'staged':
        this.#isStageInFlight = false
        this.#run(this.#state.at === 'opening' ? this.#open() : this.#stage())
        return true
      case 'paused':
        this.#paused = message
        this.#step({ type: 'paused', sequence: message.sequence })
        this.read()
        return true
      case 'opened':
        this.#opened(message.sequence, message.hash)
        return true
      case 'refused':
        this.#refused(message)
        return true
      case 'released':
        return true
      default:
        return false
    }
  }

  /** An update has entered the log state. */
  logged(update: Uint8Array): void {
    this.#covering.note(update)
  }

  /** A copy of the document that waits for the log to cover it has ids that are another's by now. */
  reissued(): void {
    if (this.#state.at === 'covering') this.#covering.restart()
  }

  /** The key was retired while this was under way: what this client has not appended yet waits for the new epoch. */
  close(): void {
    this.#covering.close()
    if (this.#state.at === 'covering') this.#covering.go()
  }

  /** The reader has got on. */
  read(): void {
    if (this.#state.at === 'covering') this.#covering.go()
    if (this.#state.at !== 'settling' || this.#paused === undefined) return
    if (this.#isVoid) {
      // The log of an epoch without a key can be named, not read.
      this.#step({ type: 'read', sequence: this.#paused.sequence })
      return
    }
    const { cursor, hash, isWhole } = this.#ports.reader()
    if (!isWhole) return
    if (cursor === this.#paused.sequence && !equalBytes(hash, this.#paused.hash)) {
      this.#fail(new SealedError('relay-fault', 'the relay pauses another log than the one it has shown', 'rotation'))
      return
    }
    this.#step({ type: 'read', sequence: cursor })
  }

  /** A newer epoch was shown. */
  superseded(): void {
    this.#step({ type: 'superseded' })
  }

  /** The session is over, and with it the lease. */
  stop(): void {
    this.#state = { at: 'failed' }
    this.#letGo(false)
  }

  #step(event: RotationEvent): void {
    const before = this.#state
    const { state, act } = rotationStep(before, event)
    this.#state = state
    if (state === before) return
    this.#ports.clock.clearTimeout(this.#timer)
    if (act !== undefined) this.#act(act)
    if (!isOver(before) && isOver(state) && state.at !== 'opened') {
      this.#letGo(false)
      this.#ports.onEnded(state.at === 'failed' ? (this.#error ?? unfinished()) : undefined)
    }
  }

  #act(act: RotationAct): void {
    const { send, nextRequest } = this.#ports
    const channel = this.#ports.channel()
    switch (act) {
      case 'lease':
        send([{ type: 'lease', channel, request: this.#request, purpose: 'rotate', head: this.#goal.head }])
        break
      case 'wait':
        this.#after(WAIT_MS * (1 + Math.random()))
        break
      case 'ask-key':
        this.#run(this.#askKey())
        break
      case 'cover':
        this.#after(COVER_MS)
        this.#covering.restart()
        break
      case 'stage':
        this.#run(this.#stage())
        break
      case 'pause':
        this.#pauseRequest = nextRequest()
        send([{ type: 'pause', channel, request: this.#pauseRequest }])
        break
      case 'settle':
        this.#after(PAUSE_MS)
        break
      case 'open':
        this.#run(this.#seal())
        break
      case 'rest':
        this.#after(REST_MS)
        break
      case 'release':
        send([{ type: 'release', channel, request: nextRequest() }])
        break
    }
  }

  async #askKey(): Promise<void> {
    const { keyDesk, known, documentId } = this.#ports
    this.#fresh = await chooseKey(keyDesk, this.#goal, known(), documentId)
    this.#step({ type: 'keyed' })
  }

  async #beginAttempt(covered: Covered, isOvertaken: () => boolean): Promise<void> {
    const { documentId, padding, clock } = this.#ports
    if (this.#fresh === undefined) return
    this.#attempt?.letGo(false)
    this.#attempt = undefined
    const attempt = await RotationAttempt.begin({
      fresh: this.#fresh,
      documentId,
      index: this.#index(),
      padding,
      clock,
      maxFrameBytes: this.#ports.limits().maxFrameEnvelopeBytes,
    })
    const { checkpoint } = this.#goal
    // An empty document has nothing to begin with.
    if (covered.update.length > EMPTY_UPDATE_BYTES)
      await attempt.addCheckpoint(covered, isZero(checkpoint) ? undefined : checkpoint)
    if (isOver(this.#state) || isOvertaken()) {
      attempt.letGo(false)
      return
    }
    this.#attempt = attempt
    this.#step({ type: 'covered' })
  }

  /** Sends the next frame; once everything is up but a short tail, the log can be paused. */
  async #stage(): Promise<void> {
    const attempt = this.#attempt
    if (attempt === undefined || this.#state.at !== 'staging' || this.#isStageInFlight) return
    if (!attempt.frames.isEmpty) {
      this.#sendStage(attempt)
      return
    }
    const bytes = await attempt.addTail(this.#covering.takeTail())
    if (this.#state.at !== 'staging') return
    if (bytes <= SHORT_TAIL_BYTES) this.#step({ type: 'staged' })
    else this.#sendStage(attempt)
  }

  /** The log stands still: what it got last is sealed, and the record that names its end. */
  async #seal(): Promise<void> {
    const attempt = this.#attempt
    const { present, checkpoint } = this.#goal
    if (attempt === undefined || this.#paused === undefined) return
    const { sequence, hash } = this.#paused
    await attempt.addTail(this.#covering.takeTail())
    this.#opening = await attempt.end({ epoch: present, checkpoint, sequence, hash, index: this.#index() })
    await this.#open()
  }

  async #open(): Promise<void> {
    const attempt = this.#attempt
    const epoch = this.#opening
    const paused = this.#paused
    if (attempt === undefined || epoch === undefined || paused === undefined || this.#state.at !== 'opening') return
    if (!this.#isVoid && this.#ports.reader().cursor > paused.sequence) {
      // An `open` would be refused, and all that is staged with it.
      this.#step({ type: 'late' })
      return
    }
    if (!attempt.frames.isLast) {
      this.#sendStage(attempt)
      return
    }
    const { checkpointHash } = attempt
    this.#ports.send([
      {
        type: 'open',
        channel: this.#ports.channel(),
        request: this.#request,
        record: epoch.record,
        previous: this.#goal.head,
        sequence: paused.sequence,
        hash: paused.hash,
        ...(checkpointHash === undefined ? {} : { checkpoint: checkpointHash }),
        envelopes: attempt.frames.next() ?? [],
      },
    ])
  }

  #sendStage(attempt: RotationAttempt): void {
    const envelopes = attempt.frames.next()
    if (envelopes === undefined) return
    this.#isStageInFlight = true
    this.#ports.send([{ type: 'stage', channel: this.#ports.channel(), request: this.#request, envelopes }])
  }

  #opened(sequence: number, hash: Uint8Array): void {
    const { onOpened } = this.#ports
    const attempt = this.#attempt
    const epoch = this.#opening
    if (attempt === undefined || epoch === undefined || this.#state.at !== 'opening') return
    this.#step({ type: 'opened' })
    this.#letGo(true)
    const state = this.#fresh?.state ?? { active: true }
    const { checkpointUpdate: checkpoint, checkpointBytes, frames } = attempt
    onOpened({ epoch, state, checkpoint, checkpointBytes, entries: frames.entries, sequence, hash })
  }

  #refused({ code, detail, record }: Refused): void {
    this.#isStageInFlight = false
    const isSuperseded = code === 'stale-epoch' && record !== undefined && !this.#isHead(record)
    this.#error = new SealedError(
      code === 'write-denied' || code === 'limit' ? code : 'relay-fault',
      `the relay refused the rotation: ${code} (${detail})`,
      'rotation',
    )
    this.#step({ type: 'refused', code, isSuperseded })
    if (isSuperseded) this.#ports.onRecord(record)
  }

  #isHead(record: Uint8Array): boolean {
    return equalBytes(recordHash(record), this.#goal.head)
  }

  /** Above every index that was seen: numbers of epochs rise, whatever was given up in between. */
  #index(): number {
    return Math.max(...this.#ports.known().map(({ parsed }) => parsed.index), this.#goal.present.index) + 1
  }

  #after(ms: number): void {
    this.#timer = this.#ports.clock.setTimeout(() => this.#step({ type: 'timer' }), ms)
  }

  /** What fails here fails for this rotation only; the words of an unknown error may quote a key. */
  #run(work: Promise<void>): void {
    work.catch((error: unknown) => {
      const { code, message } = factsOf(error)
      this.#fail(error instanceof SealedError ? error : new SealedError(code, message, 'rotation'))
    })
  }

  #fail(error: SealedError): void {
    if (isOver(this.#state)) return
    this.#error = error
    this.#step({ type: 'failed' })
  }

  #letGo(isOpened: boolean): void {
    this.#ports.clock.clearTimeout(this.#timer)
    this.#attempt?.letGo(isOpened)
    this.#covering.destroy()
  }
}

/** What `Y.encodeStateAsUpdate` gives of an empty document: no structs, no deletes. */
const EMPTY_UPDATE_BYTES = 2

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

const unfinished = () =>
  new SealedError('relay-fault', 'the rotation could not be finished: nothing was changed', 'rotation')
