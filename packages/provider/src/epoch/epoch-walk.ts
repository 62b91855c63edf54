import type { EpochKeys } from '@y-sealed/envelope'
import { type EpochLoad, emptyStart } from '../checkpoint/epoch-load.ts'
import type { EpochStart } from '../checkpoint/epoch-start.ts'
import type { Inbound } from '../inbound/inbound.ts'
import type { Problems } from '../problems.ts'
import { SealedError } from '../sealed-error.ts'
import type { ChainedEpoch } from './chained-epoch.ts'
import type { Adopted, Epoch, KeyState } from './epoch.ts'
import { EpochLine } from './epoch-line.ts'
import type { RecordsVerdict } from './judge-records.ts'
import { judgeSwitch } from './judge-switch.ts'
import type { KeyDesk } from './key-desk.ts'

export interface EpochWalkPorts {
  readonly keyDesk: KeyDesk
  readonly problems: Problems
  readonly inbound: Inbound
  readonly load: EpochLoad
  /** The checkpoint of an epoch will be wanted. */
  prefetch(epoch: ChainedEpoch): void
  /** The next one, all of the last one's log having been read. */
  onEntered(epoch: Epoch, state: KeyState): void
  /** One that begins with a checkpoint. */
  onLoaded(epoch: Epoch, state: KeyState, why: LoadReason, start: EpochStart): void
  /** The checkpoint cannot be had, or is not what the record names. */
  onLoadFailed(error: SealedError): void
  /** The endpoint tells of another epoch than the relay. */
  onContradicted(error: SealedError): void
  /** Something threw that is nobody's answer. */
  onFailed(error: unknown): void
}

/**
 * `fork`, `skip`, `unproven`: what others wrote in the epoch left behind is not carried over (protocol §4). `pruned`: the relay does not keep what
 * comes behind the cursor; `unproven`: the same, in an epoch before.
 */
export type LoadReason = 'cold' | 'behind' | 'void' | 'fork' | 'skip' | 'unproven' | 'rewind' | 'pruned'

export interface GivenUp {
  readonly epoch: ChainedEpoch
  readonly end: number
}

/** From epoch to epoch: takes the relay's records in order, asks for their keys, and moves the reader on. */
export class EpochWalk {
  readonly #ports: EpochWalkPorts
  readonly #line = new EpochLine()
  #given: GivenUp | undefined
  #present: Epoch | undefined
  /** Rises whenever what is under way is overtaken. */
  #life = 0
  #isReading = false
  /** A person follows what the relay shows, whatever the endpoint says. */
  #isTrusting = false
  /** What the reader is to begin the present epoch with could not be had, or not be used. */
  #isUnbegun = false

  constructor(ports: EpochWalkPorts) {
    this.#ports = ports
  }

  get epoch(): Epoch | undefined {
    return this.#present
  }

  /** Every epoch that is held good, the present one last. */
  get line(): readonly ChainedEpoch[] {
    return this.#line.held
  }

  /** The relay's newest epoch, which a person has given up: the present one, whose log goes to `end`, is to be followed instead. */
  get given(): GivenUp | undefined {
    return this.#given
  }

  /** The keys of an old epoch, to read it; asked for once. Rejects with KeyError or SealedError; nothing else is locked by that. */
  async keysOf(chained: ChainedEpoch): Promise<EpochKeys> {
    const held = this.#line.keysOf(chained)
    if (held !== undefined) return held
    const { epoch } = await this.#ports.keyDesk.adoptOnce(chained, this.#line.keysBefore(chained))
    this.#line.learn(chained, epoch.keys)
    return epoch.keys
  }

  judge(shown: readonly ChainedEpoch[]): RecordsVerdict {
    return this.#line.judge(shown)
  }

  /** Older than every epoch that is held good or shown: nothing follows from it any more. */
  isPast(epoch: ChainedEpoch): boolean {
    return this.#line.isPast(epoch)
  }

  /** Takes what `judge` found to follow, and goes there. */
  take(records: Extract<RecordsVerdict, { is: 'next' }>): Promise<void> {
    this.#given = undefined
    this.#line.append(records)
    return this.walk()
  }

  /** The same, but the relay does not have the log that was read here (`fork`), or does not keep enough of it to tell (`unproven`). */
  takeAnew(records: Extract<RecordsVerdict, { is: 'next' }>, why: 'fork' | 'unproven'): Promise<void> {
    this.#line.append(records)
    return this.restart(why)
  }

  /** The newest epoch that was shown is the present one. */
  get isThere(): boolean {
    return this.#present !== undefined && this.#line.next.length === 0
  }

  /** The rest of the present epoch's log is to come before the next one is entered. */
  get isReading(): boolean {
    return this.#isReading
  }

  /** The reader has got on. */
  arrived(): void {
    const end = this.#line.next[0]?.parsed.prevSequence
    if (this.#isReading && end !== undefined && this.#ports.inbound.cursor >= end)
      this.walk().catch(this.#ports.onFailed)
  }

  /** The present epoch has to be begun anew, whatever the relay confirms. */
  get isUnbegun(): boolean {
    return this.#isUnbegun
  }

  /** Goes on as far as it can. */
  async walk(): Promise<void> {
    const life = ++this.#life
    this.#isReading = false
    const { inbound, problems } = this.#ports
    for (let next = this.#line.next[0]; next !== undefined; next = this.#line.next[0]) {
      const epoch = this.#present
      if (epoch === undefined) return this.#loadNewest('cold', life)
      // Where the reader stands says nothing of what it has.
      if (this.#isUnbegun) return this.#loadNewest('unproven', life)
      const standing = { recordHash: epoch.hash, cursor: inbound.cursor, hash: inbound.hash }
      const how = judgeSwitch(standing, next.parsed)
      if (how !== 'go-on' && this.#line.isAtPassedOver(epoch, inbound)) return this.#loadNewest('skip', life)
      // Beyond that stands what the present keys do not open.
      inbound.stopAt(how === 'wait' ? next.parsed.prevSequence : inbound.cursor)
      if (how === 'wait') {
        this.#isReading = true
        inbound.drain()
        return
      }
      if (how === 'fork') {
        const { index } = next.parsed
        problems.raise('fork', `epoch ${index} follows another history than the one that was shown here`, 'epoch')
      }
      if (how !== 'go-on') return this.#loadNewest(how, life)
      if (!(await this.#goOn(epoch, next, life))) return
    }
  }

  /**
   * A person has given up the newest epoch that was shown: goes to the newest one before it whose key can be had, and no further than its end. Stays
   * where it is if there is none: false.
   */
  async giveUpNewest(): Promise<boolean> {
    const life = ++this.#life
    const { keyDesk, onLoaded } = this.#ports
    const given = this.#line.next.at(-1)
    if (given === undefined) return false
    keyDesk.stop()
    for (let i = this.#line.next.length - 2; i >= 0; i--) {
      const candidate = this.#line.next[i]
      if (candidate === undefined) break
      const adopted = await keyDesk.adopt(candidate, this.#line.keysBefore(candidate), { isDispensable: true })
      if (life !== this.#life || adopted === undefined) return true
      if (adopted === 'locked' || adopted instanceof SealedError) continue
      const before = this.#line.next.slice(0, i)
      const start = await this.#load(adopted.epoch, life, () => {
        for (const passed of before) this.#accept(passed)
      })
      if (start === undefined) return true
      this.#endAt(given, this.#line.next[i + 1])
      onLoaded(adopted.epoch, adopted.state, 'behind', start)
      return true
    }
    if (this.#present === undefined) {
      this.walk().catch(this.#ports.onFailed)
      return false
    }
    this.#endAt(given, this.#line.next[0])
    this.#ports.onEntered(this.#present, { active: true })
    return true
  }

  /** A person goes on with what the relay shows, whatever was held good before: begins with the newest. */
  startAnew(shown: readonly ChainedEpoch[]): Promise<void> {
    this.#line.next = [...shown]
    this.#isTrusting = true
    return this.restart('void')
  }

  #endAt(given: ChainedEpoch, next: ChainedEpoch | undefined): void {
    const end = (next ?? given).parsed.prevSequence
    this.#given = { epoch: given, end }
    this.#line.next = []
    this.#ports.inbound.stopAt(end)
  }

  /** The relay lacks what was read of the present epoch, or of one before the newest: begins with the newest one's checkpoint. */
  restart(why: LoadReason): Promise<void> {
    this.#isReading = false
    // What comes meanwhile follows another log than the one that was read so far.
    this.#ports.inbound.stopAt(this.#ports.inbound.cursor)
    return this.#loadNewest(why, ++this.#life)
  }

  /** An epoch that this client has opened itself. True: its log goes on where the reader stands; else it is to begin with its checkpoint. */
  enterOwn(epoch: Epoch): boolean {
    const { inbound } = this.#ports
    this.#life++
    this.#line.next = []
    this.#given = undefined
    const present = this.#present
    const goesOn =
      present !== undefined &&
      judgeSwitch({ recordHash: present.hash, cursor: inbound.cursor, hash: inbound.hash }, epoch.parsed) === 'go-on'
    this.#accept(epoch)
    if (goesOn) inbound.enter(epoch)
    return goesOn
  }

  /** The first of a document, or one that stands alone: it has no log before it that is to be read. */
  beginOwn(epoch: Epoch): void {
    this.#life++
    this.#line.next = []
    this.#accept(epoch)
    this.#ports.inbound.begin(epoch, emptyStart(epoch))
  }

  /** Where this device stood when it was last here. Without what it had read, the epoch is begun anew once the relay has confirmed that place. */
  resume(before: readonly ChainedEpoch[], epoch: Epoch, start: EpochStart): void {
    for (const passed of before) this.#accept(passed)
    this.#accept(epoch)
    const isBegun = this.#ports.inbound.begin(epoch, start)
    this.#isUnbegun = !isBegun || start.update === undefined
  }

  /** The session is over: what is under way comes too late; what is known stays. */
  stop(): void {
    this.#life++
    this.#isReading = false
    this.#isTrusting = false
    this.#line.stop()
    this.#given = undefined
    this.#ports.inbound.goOn()
    this.#ports.keyDesk.stop()
  }

  destroy(): void {
    this.stop()
    for (const { keys } of this.#line.held) keys?.forget()
  }

  /** False: overtaken, or on the way to another epoch than `next`. */
  async #goOn(epoch: Epoch, next: ChainedEpoch, life: number): Promise<boolean> {
    const { keyDesk, inbound, onEntered } = this.#ports
    const isNewest = this.#line.next.length === 1
    const adopted = await keyDesk.adopt(next, epoch.keys, { isDispensable: !isNewest, isNewest })
    if (life !== this.#life || adopted === undefined) {
      letGo(adopted)
      return false
    }
    if (adopted instanceof SealedError) {
      this.#ports.onContradicted(adopted)
      return false
    }
    if (adopted === 'locked') {
      // Its successor names it by its hash: it is held good without its key (protocol §4).
      await this.#loadNewest('behind', life)
      return false
    }
    this.#line.next = this.#line.next.slice(1)
    this.#accept(adopted.epoch)
    inbound.enter(adopted.epoch)
    const end = this.#line.next[0]?.parsed.prevSequence
    if (end !== undefined) inbound.stopAt(end)
    onEntered(adopted.epoch, adopted.state)
    return true
  }

  async #loadNewest(why: LoadReason, life: number): Promise<void> {
    const { keyDesk, prefetch, onLoaded } = this.#ports
    const newest = this.#line.next.at(-1)
    if (newest === undefined) {
      await this.#reload(why, life)
      return
    }
    const isTrusted = this.#isTrusting
    // Which checkpoint it will be is known before the key is: they come side by side.
    prefetch(newest)
    const adopted = await keyDesk.adopt(newest, this.#line.keysBefore(newest), { isNewest: true, isTrusted })
    if (life !== this.#life || adopted === undefined || adopted === 'locked') {
      letGo(adopted)
      return
    }
    if (adopted instanceof SealedError) {
      this.#ports.onContradicted(adopted)
      return
    }
    const start = await this.#load(adopted.epoch, life, () => {
      // What was held good before is given up with the epoch that takes its place, not sooner: the connection may break in between.
      if (this.#isTrusting) this.#line.giveUpHeld()
      for (const passed of this.#line.next.slice(0, -1)) this.#accept(passed)
      this.#line.next = []
    })
    if (start !== undefined) onLoaded(adopted.epoch, adopted.state, why, start)
  }

  /** `before`: what is due in the moment in which the reader begins with it. Undefined if overtaken, or told of as not to be had. */
  async #load(epoch: Epoch, life: number, before: () => void): Promise<EpochStart | undefined> {
    const { load, inbound, onLoadFailed } = this.#ports
    let isAccepted = false
    const start = await load.load(
      epoch,
      () => life !== this.#life,
      (each) => {
        if (!isAccepted) {
          before()
          this.#accept(epoch)
        }
        isAccepted = true
        const isBegun = inbound.begin(epoch, each)
        // Until another one is begun with, even if the session ends before that has come.
        this.#isUnbegun = !isBegun
        return isBegun
      },
    )
    if (start instanceof SealedError) {
      onLoadFailed(start)
      return undefined
    }
    if (start !== undefined) this.#isUnbegun = false
    return start
  }

  async #reload(why: LoadReason, life: number): Promise<void> {
    const { load, inbound, onLoaded, onLoadFailed } = this.#ports
    const epoch = this.#present
    if (epoch === undefined) return
    this.#isUnbegun = true
    const start = await load.load(
      epoch,
      () => life !== this.#life,
      (each) => inbound.begin(epoch, each),
    )
    // Overtaken: whoever goes on from here has still to begin.
    if (start === undefined) return
    if (start instanceof SealedError) {
      onLoadFailed(start)
      return
    }
    this.#isUnbegun = false
    onLoaded(epoch, { active: true }, why, start)
  }

  #accept(chained: ChainedEpoch | Epoch): void {
    this.#line.accept(chained)
    if (!('startHash' in chained)) return
    this.#present = chained
    this.#isUnbegun = false
    this.#isTrusting = false
  }
}

function letGo(adopted: Adopted | 'locked' | SealedError | undefined): void {
  if (typeof adopted === 'object' && 'epoch' in adopted) adopted.epoch.keys.forget()
}
