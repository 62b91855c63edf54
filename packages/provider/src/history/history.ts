import { type EpochKeys, fingerprint } from '@y-sealed/envelope'
import { KeyError } from '@y-sealed/key-client'
import type { Down } from '@y-sealed/protocol'
import type * as Y from 'yjs'
import { CheckpointFetch } from '../checkpoint/checkpoint-fetch.ts'
import { openCheckpoint, openManifest } from '../checkpoint/open-checkpoint.ts'
import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import { equalBytes, hex } from '../hex.ts'
import { type ProblemCode, SealedError } from '../sealed-error.ts'
import { EpochLog, type PastEntry } from './epoch-log.ts'
import type { EpochInfo, HistoryPorts } from './history-ports.ts'
import { LogRead } from './log-read.ts'
import { PastDocument } from './past-document.ts'
import { Questions } from './questions.ts'
import { type Span, spansOf } from './span.ts'

/** Entries asked for at a time: some hundred kilobytes of typing, so that reading keeps step with opening, and few round trips. */
const PAGE_ENTRIES = 2_048

/**
 * Reads the epochs of a document beside the live session. What it gives is no authority: a document of its own, which belongs to the caller. What
 * it asks the relay it asks one thing after the other.
 */
export class History {
  readonly #ports: HistoryPorts
  /** When epochs began, in unix ms, by recordHash. */
  readonly #beginnings = new Map<string, number>()
  /** The epoch opened last. */
  #kept: EpochLog | undefined
  #questions: Questions

  constructor(ports: HistoryPorts) {
    this.#ports = ports
    this.#questions = new Questions(ports.clock)
  }

  /** All epochs, oldest first. One whose key is not to be had, or whose beginning is kept back, has no `at`. Rejects with SealedError `interrupted` after `stop()`. */
  epochs(): Promise<EpochInfo[]> {
    const questions = this.#questions
    return questions.run(() => this.#list(questions))
  }

  /**
   * An epoch's document as it was after sequence `at`: by default its last one, `from - 1` for its beginning. Rejects with RangeError for what does not
   * exist; with the key's own code where the epoch is locked; SealedError `withheld` where the relay shows less than there was, `fork` where it shows
   * something else, `tampered` and `member-fault` for a checkpoint that is not usable, `relay-fault`, and `interrupted` after `stop()`.
   */
  openEpoch(index: number, at?: number): Promise<Y.Doc> {
    const questions = this.#questions
    return questions.run(async () => {
      const { epoch, after, to } = this.#spanOf(index)
      const until = at ?? to
      if (!Number.isInteger(until) || until < after || until > to) {
        throw new RangeError(`epoch ${index} can be opened at ${after} to ${to}`)
      }
      const keys = await this.#ports.keysOf(epoch)
      return questions.inTurn(() => this.#open(this.#spanOf(index), keys, until, questions))
    })
  }

  /** True if the message answered something that was asked here. */
  takes(message: Down): boolean {
    return this.#questions.takes(message)
  }

  /** The session is over: what is under way is rejected, nothing is kept. In the next one it may be used again. */
  stop(): void {
    this.#kept = undefined
    this.#questions.end(new SealedError('interrupted', 'the session ended before the history had come', 'history'))
    this.#questions = new Questions(this.#ports.clock)
  }

  // --- all epochs ---

  async #list(questions: Questions): Promise<EpochInfo[]> {
    const infos: EpochInfo[] = []
    let isAnswered = true
    for (const { epoch, after, to } of this.#spans()) {
      const { index, keyHint, epochId } = epoch.parsed
      let at = this.#beginnings.get(hex(epoch.hash))
      let locked: ProblemCode | undefined
      if (at === undefined && isAnswered) {
        try {
          at = await this.#beginningOf(epoch, questions)
        } catch (error) {
          if (questions.isOver) throw error
          const code = this.#endure(error)
          isAnswered = code !== 'key-unavailable' && code !== 'relay-fault'
          if (isAnswered && code.startsWith('key-')) locked = code
        }
      }
      infos.push({ index, keyHint, fingerprint: fingerprint(epochId), from: after + 1, to, at, locked })
    }
    return infos
  }

  async #beginningOf(epoch: ChainedEpoch, questions: Questions): Promise<number | undefined> {
    const { hash, parsed } = epoch
    const keys = await this.#ports.keysOf(epoch)
    if (isNone(parsed.checkpoint)) return undefined
    const fetch = new CheckpointFetch(this.#ports, parsed.checkpoint, 1)
    const [first = NOTHING] = await questions.inTurn(() => questions.ask(fetch))
    const { unixMs } = await openManifest(keys, parsed.index, first, fetch.total === 1)
    this.#beginnings.set(hex(hash), unixMs)
    return unixMs
  }

  /** One epoch tells no time; why. */
  #endure(error: unknown): ProblemCode {
    if (!(error instanceof SealedError || error instanceof KeyError)) throw error
    const { code, message } = error
    if (code === 'tampered' || code === 'relay-fault') this.#ports.problems.raise(code, message, 'history')
    return code
  }

  // --- one epoch ---

  async #open({ epoch, to, hash }: Span, keys: EpochKeys, at: number, questions: Questions): Promise<Y.Doc> {
    const { problems } = this.#ports
    const { index } = epoch.parsed
    if (hash === undefined) throw new SealedError('withheld', `where epoch ${index} ends is not known`, 'history')
    const log = await this.#logOf(epoch, to, keys, questions)
    const past = new PastDocument(log.checkpoint, problems)
    past.take(openedThrough(log.entries, at))
    const unusable: number[] = []
    while (log.through < to) {
      const page = new LogRead(this.#ports, log.through, Math.min(log.through + PAGE_ENTRIES, to))
      const added = await log.add(keys, await questions.ask(page))
      past.take(openedThrough(added, at))
      for (const { sequence, opened } of added) if (opened === undefined) unusable.push(sequence)
    }
    if (!equalBytes(log.hash, hash)) {
      throw new SealedError('fork', `the relay shows another log of epoch ${index} than its members had`, 'history')
    }
    for (const sequence of unusable) {
      problems.raise('tampered', `entry ${sequence} does not open: nothing of it was applied`, 'history')
    }
    if (log.isKept && !questions.isOver) this.#kept = log
    return past.finish()
  }

  /** What is kept of the epoch, or its beginning. It counts as kept again only once it has been compared with H. */
  async #logOf(epoch: ChainedEpoch, to: number, keys: EpochKeys, questions: Questions): Promise<EpochLog> {
    const kept = this.#kept
    this.#kept = undefined
    if (kept?.isOf(epoch) && kept.through <= to) return kept
    const { parsed } = epoch
    if (isNone(parsed.checkpoint)) return new EpochLog(epoch, undefined)
    const chunks = await questions.ask(new CheckpointFetch(this.#ports, parsed.checkpoint))
    const { update } = await openCheckpoint(keys, parsed.index, chunks, parsed.checkpoint)
    return new EpochLog(epoch, update)
  }

  #spans(): Span[] {
    return spansOf(this.#ports.chain(), this.#ports.end())
  }

  #spanOf(index: number): Span {
    const span = this.#spans().find(({ epoch }) => epoch.parsed.index === index)
    if (span === undefined) throw new RangeError(`no epoch ${index}`)
    return span
  }
}

const NOTHING = new Uint8Array(0)

/** Zeros stand for no checkpoint: the epoch began empty. */
const isNone = (checkpoint: Uint8Array): boolean => checkpoint.every((byte) => byte === 0)

const openedThrough = (entries: readonly PastEntry[], at: number) =>
  entries.flatMap(({ sequence, opened }) => (sequence > at || opened === undefined ? [] : [opened]))
