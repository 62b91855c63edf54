import type { EpochKeys } from '@y-sealed/envelope'
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts'
import { equalBytes } from '../hex.ts'
import type { Inbound } from '../inbound/inbound.ts'
import type { Problems } from '../problems.ts'
import { SealedError } from '../sealed-error.ts'
import type { ChainedEpoch } from './chained-epoch.ts'
import type { Adopted, Epoch, KeyState } from './epoch.ts'
import { judgeRecords, type RecordsVerdict } from './judge-records.ts'
import { judgeSwitch } from './judge-switch.ts'
import type { KeyDesk } from './key-desk.ts'

export interface EpochWalkPorts {
  readonly keyDesk: KeyDesk
  readonly problems: Problems
  readonly inbound: Inbound
  /** The checkpoint with which an epoch began, chunk by chunk. */
  fetchCheckpoint(checkpoint: Uint8Array): Promise<Uint8Array[]>
  /** The next one, all of the last one's log having been read. */
  onEntered(epoch: Epoch, state: KeyState): void
  /** One that begins with its checkpoint. */
  onLoaded(epoch: Epoch, state: KeyState, why: LoadReason): void
  /** The checkpoint cannot be had, or is not what the record names. */
  onLoadFailed(error: SealedError): void
  /** The endpoint tells of another epoch than the relay. */
  onContradicted(error: SealedError): void
  /** Something threw that is nobody's answer. */
  onFailed(error: unknown): void
}

/** `fork`, `skip`: what others wrote in the epoch left behind is not carried over (protocol §4). */
export type LoadReason = 'cold' | 'behind' | 'void' | 'fork' | 'skip' | 'rewind'

export interface GivenUp {
  readonly epoch: ChainedEpoch
  readonly end: number
}

/** From epoch to epoch: takes the relay's records in order, asks for their keys, and moves the reader on. */
export class EpochWalk {
  readonly #ports: EpochWalkPorts
  /** Held good, oldest first; the last one is the present epoch. */
  #line: ChainedEpoch[] = []
  /** Shown and linked, not yet entered. */
  #next: ChainedEpoch[] = []
  /** Followed the present one and were given up for another: where they begin, the present one's log ends. */
  #passedOver: ChainedEpoch[] = []
  #given: GivenUp | undefined
  #present: Epoch | undefined
  /** Rises whenever what is under way is overtaken. */
  #life = 0
  #isReading = false
  /** A person follows what the relay shows, whatever the endpoint says. */
  #isTrusting = false

  constructor(ports: EpochWalkPorts) {
    this.#ports = ports
  }

  get epoch(): Epoch | undefined {
    return this.#present
  }

  /** Every epoch that is held good, the present one last. */
  get line(): readonly ChainedEpoch[] {
    return this.#line
  }

  /** The relay's newest epoch, which a person has given up: the present one, whose log goes to `end`, is to be followed instead. */
  get given(): GivenUp | undefined {
    return this.#given
  }

  /** The keys of an old epoch, to read it; asked for once. Rejects with KeyError or SealedError; nothing else is locked by that. */
  async keysOf(chained: ChainedEpoch): Promise<EpochKeys> {
    const held = this.#line.find(({ hash }) => equalBytes(hash, chained.hash))
    if (held?.keys !== undefined) return held.keys
    const { epoch } = await this.#ports.keyDesk.adoptOnce(chained, this.#keysBefore(chained))
    const { keys } = epoch
    this.#line = this.#line.map((each) => (equalBytes(each.hash, chained.hash) ? { ...each, keys } : each))
    return keys
  }

  judge(shown: readonly ChainedEpoch[]): RecordsVerdict {
    return judgeRecords([...this.#line, ...this.#next], shown)
  }

  /** Older than every epoch that is held good or shown: nothing follows from it any more. */
  isPast({ parsed }: ChainedEpoch): boolean {
    const [oldest] = [...this.#line, ...this.#next]
    return oldest !== undefined && parsed.index < oldest.parsed.index
  }

  /** Takes what `judge` found to follow, and goes there. */
  take(records: Extract<RecordsVerdict, { is: 'next' }>): Promise<void> {
    this.#given = undefined
    this.#append(records)
    return this.walk()
  }

  /** The same, but the relay does not have the log that was read here: begins with the newest one's checkpoint. */
  takeAnew(records: Extract<RecordsVerdict, { is: 'next' }>): Promise<void> {
    this.#append(records)
    return this.restart('fork')
  }

  #append({ next, voids }: Extract<RecordsVerdict, { is: 'next' }>): void {
    const kept = [...this.#line, ...this.#next]
    if (voids > 0) this.#passedOver.push(...kept.slice(-voids))
    kept.length -= voids
    // What was entered stays in the line until the walk gets to the record that gives it up.
    this.#next = kept.length >= this.#line.length ? [...kept.slice(this.#line.length), ...next] : [...next]
  }

  /** The newest epoch that was shown is the present one. */
  get isThere(): boolean {
    return this.#present !== undefined && this.#next.length === 0
  }

  /** The rest of the present epoch's log is to come before the next one is entered. */
  get isReading(): boolean {
    return this.#isReading
  }

  /** The reader has got on. */
  arrived(): void {
    const end = this.#next[0]?.parsed.prevSequence
    if (this.#isReading && end !== undefined && this.#ports.inbound.cursor >= end)
      this.walk().catch(this.#ports.onFailed)
  }

  /** Goes on as far as it can. */
  async walk(): Promise<void> {
    const life = ++this.#life
    this.#isReading = false
    const { inbound, problems } = this.#ports
    for (let next = this.#next[0]; next !== undefined; next = this.#next[0]) {
      const epoch = this.#present
      if (epoch === undefined) return this.#loadNewest('cold', life)
      const standing = { recordHash: epoch.hash, cursor: inbound.cursor, hash: inbound.hash }
      const how = judgeSwitch(standing, next.parsed)
      if (how !== 'go-on' && this.#isAtGivenEnd(epoch)) return this.#loadNewest('skip', life)
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
    const { inbound, keyDesk, onLoaded } = this.#ports
    const given = this.#next.at(-1)
    if (given === undefined) return false
    keyDesk.stop()
    for (let i = this.#next.length - 2; i >= 0; i--) {
      const candidate = this.#next[i]
      if (candidate === undefined) break
      const adopted = await keyDesk.adopt(candidate, this.#keysBefore(candidate), { isDispensable: true })
      if (life !== this.#life || adopted === undefined) return true
      if (adopted === 'locked' || adopted instanceof SealedError) continue
      const checkpoint = await this.#checkpointOf(adopted.epoch)
      if (life !== this.#life) return true
      if (checkpoint instanceof SealedError) {
        this.#ports.onLoadFailed(checkpoint)
        return true
      }
      for (const passed of this.#next.slice(0, i)) this.#accept(passed)
      this.#accept(adopted.epoch)
      inbound.begin(adopted.epoch, checkpoint)
      this.#endAt(given, this.#next[i + 1])
      onLoaded(adopted.epoch, adopted.state, 'behind')
      return true
    }
    if (this.#present === undefined) {
      this.walk().catch(this.#ports.onFailed)
      return false
    }
    this.#endAt(given, this.#next[0])
    this.#ports.onEntered(this.#present, { active: true })
    return true
  }

  /** A person goes on with what the relay shows, whatever was held good before: begins with the newest. */
  startAnew(shown: readonly ChainedEpoch[]): Promise<void> {
    this.#next = [...shown]
    this.#isTrusting = true
    return this.restart('void')
  }

  #endAt(given: ChainedEpoch, next: ChainedEpoch | undefined): void {
    const end = (next ?? given).parsed.prevSequence
    this.#given = { epoch: given, end }
    this.#next = []
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
    this.#next = []
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
    this.#next = []
    this.#accept(epoch)
    this.#ports.inbound.begin(epoch, undefined)
  }

  /** The session is over: what is under way comes too late; what is known stays. */
  stop(): void {
    this.#life++
    this.#isReading = false
    this.#isTrusting = false
    this.#next = []
    this.#given = undefined
    this.#passedOver = []
    this.#ports.inbound.goOn()
    this.#ports.keyDesk.stop()
  }

  destroy(): void {
    this.stop()
    for (const { keys } of this.#line) keys?.forget()
  }

  /** False: overtaken, or on the way to another epoch than `next`. */
  async #goOn(epoch: Epoch, next: ChainedEpoch, life: number): Promise<boolean> {
    const { keyDesk, inbound, onEntered } = this.#ports
    const isNewest = this.#next.length === 1
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
    this.#next.shift()
    this.#accept(adopted.epoch)
    inbound.enter(adopted.epoch)
    const end = this.#next[0]?.parsed.prevSequence
    if (end !== undefined) inbound.stopAt(end)
    onEntered(adopted.epoch, adopted.state)
    return true
  }

  async #loadNewest(why: LoadReason, life: number): Promise<void> {
    const { keyDesk, inbound, onLoaded, onLoadFailed } = this.#ports
    const newest = this.#next.at(-1)
    if (newest === undefined) {
      await this.#reload(why, life)
      return
    }
    const isTrusted = this.#isTrusting
    const adopted = await keyDesk.adopt(newest, this.#keysBefore(newest), { isNewest: true, isTrusted })
    if (life !== this.#life || adopted === undefined || adopted === 'locked') {
      letGo(adopted)
      return
    }
    if (adopted instanceof SealedError) {
      this.#ports.onContradicted(adopted)
      return
    }
    const checkpoint = await this.#checkpointOf(adopted.epoch)
    if (life !== this.#life) return
    if (checkpoint instanceof SealedError) {
      onLoadFailed(checkpoint)
      return
    }
    // What was held good before is given up with the epoch that takes its place, not sooner: the connection may break in between.
    if (this.#isTrusting) for (const { keys } of this.#line.splice(0)) keys?.forget()
    for (const passed of this.#next.slice(0, -1)) this.#accept(passed)
    this.#next = []
    this.#accept(adopted.epoch)
    inbound.begin(adopted.epoch, checkpoint)
    onLoaded(adopted.epoch, adopted.state, why)
  }

  async #reload(why: LoadReason, life: number): Promise<void> {
    const { inbound, onLoaded, onLoadFailed } = this.#ports
    const epoch = this.#present
    if (epoch === undefined) return
    const checkpoint = await this.#checkpointOf(epoch)
    if (life !== this.#life) return
    if (checkpoint instanceof SealedError) {
      onLoadFailed(checkpoint)
      return
    }
    inbound.begin(epoch, checkpoint)
    onLoaded(epoch, { active: true }, why)
  }

  async #checkpointOf({ keys, index, parsed }: Epoch): Promise<Uint8Array | undefined | SealedError> {
    if (parsed.checkpoint.every((byte) => byte === 0)) return undefined
    try {
      const chunks = await this.#ports.fetchCheckpoint(parsed.checkpoint)
      return (await openCheckpoint(keys, index, chunks, parsed.checkpoint)).update
    } catch (error) {
      if (error instanceof SealedError) return error
      throw error
    }
  }

  #keysBefore({ parsed }: ChainedEpoch): EpochKeys | undefined {
    return this.#line.find(({ hash }) => equalBytes(hash, parsed.prevRecord))?.keys
  }

  /** The present epoch was read to where a given-up one began; how much of that one the next has carried over, its checkpoint says. */
  #isAtGivenEnd({ hash }: Epoch): boolean {
    const { inbound } = this.#ports
    return this.#passedOver.some(
      ({ parsed }) =>
        equalBytes(parsed.prevRecord, hash) &&
        parsed.prevSequence === inbound.cursor &&
        equalBytes(parsed.prevHash, inbound.hash),
    )
  }

  /** Those of the line that it does not follow are given up. */
  #accept(chained: ChainedEpoch | Epoch): void {
    const place = this.#line.findLastIndex(({ hash }) => equalBytes(hash, chained.parsed.prevRecord))
    const isLinked = this.#line.length === 0 || place >= 0
    for (const { keys } of isLinked ? this.#line.splice(place + 1) : []) keys?.forget()
    this.#line = [...this.#line, chained]
    if (!('startHash' in chained)) return
    this.#present = chained
    this.#isTrusting = false
    this.#passedOver = []
  }
}

function letGo(adopted: Adopted | 'locked' | SealedError | undefined): void {
  if (typeof adopted === 'object' && 'epoch' in adopted) adopted.epoch.keys.forget()
}
