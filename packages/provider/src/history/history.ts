import { type EpochKeys, fingerprint } from '@y-sealed/envelope'
import { KeyError } from '@y-sealed/key-client'
import { type Down, type Place, startHash } from '@y-sealed/protocol'
import type * as Y from 'yjs'
import { CheckpointFetch } from '../checkpoint/checkpoint-fetch.ts'
import { CheckpointList } from '../checkpoint/checkpoint-list.ts'
import { emptyStart, openPlace } from '../checkpoint/epoch-load.ts'
import type { EpochStart } from '../checkpoint/epoch-start.ts'
import { openManifest } from '../checkpoint/open-checkpoint.ts'
import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import type { Epoch } from '../epoch/epoch.ts'
import { equalBytes, hex } from '../hex.ts'
import { Problems } from '../problems.ts'
import { type ProblemCode, SealedError } from '../sealed-error.ts'
import { EpochLog, type PastEntry } from './epoch-log.ts'
import type { EpochInfo, HistoryPorts } from './history-ports.ts'
import { LogRead } from './log-read.ts'
import { PastDocument } from './past-document.ts'
import { Questions } from './questions.ts'
import { type LogEnd, type Span, spansOf } from './span.ts'

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
   * exist; with the key's own code where the epoch is locked; SealedError `pruned` for what the relay does not keep any more, `withheld` where the relay shows less than there was, `fork` where it shows
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

  /**
   * What the log of the live session's epoch gives from one checkpoint (undefined: from its empty start) through `end`: a document to compare with.
   * Rejects as `openEpoch` does; `fork` also where the log from there does not lead to H at `end`.
   */
  rebuild(epoch: Epoch, from: Place | undefined, end: LogEnd): Promise<Y.Doc> {
    const questions = this.#questions
    return questions.run(() =>
      questions.inTurn(async () => {
        const start = from === undefined ? emptyStart(epoch) : await this.#fetch(epoch, from, epoch.keys, questions)
        const log = new EpochLog(epoch, start)
        // Who reads it live has told of what is wrong with single entries.
        const quiet = new Problems(this.#ports.clock, () => {})
        const until = { to: end.sequence, hash: end.hash, at: end.sequence }
        return this.#readThrough(log, until, epoch.keys, questions, quiet)
      }),
    )
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
    for (const span of this.#spans()) {
      const { epoch, to } = span
      const { index, keyHint, epochId } = epoch.parsed
      let from = span.after + 1
      let at: number | undefined
      let locked: ProblemCode | undefined
      if (isAnswered) {
        try {
          const beginning = await this.#beginningOf(span, questions)
          from = beginning.from
          at = beginning.at
        } catch (error) {
          if (questions.isOver) throw error
          const code = this.#endure(error)
          isAnswered = code !== 'key-unavailable' && code !== 'relay-fault'
          if (isAnswered && (code.startsWith('key-') || code === 'pruned')) locked = code
        }
      }
      infos.push({ index, keyHint, fingerprint: fingerprint(epochId), from, to, at, locked })
    }
    return infos
  }

  /** The first sequence of an epoch that the relay keeps, and when what stands before it was made. */
  async #beginningOf(span: Span, questions: Questions): Promise<{ from: number; at: number | undefined }> {
    const { epoch, after, to } = span
    try {
      if (this.#ports.pruned() > after) throw notKept(epoch.parsed.index)
      const first = firstPlace(epoch)
      if (first !== undefined) return { from: after + 1, at: await this.#timeOf(epoch, first, questions) }
      await this.#ports.keysOf(epoch)
      // It began with nothing that could be asked for but its first entry.
      if (to > after) await questions.inTurn(() => questions.ask(new LogRead(this.#ports, after, after + 1)))
      return { from: after + 1, at: undefined }
    } catch (error) {
      const kept = await questions.inTurn(() => this.#oldestKept(epoch, error, questions))
      return { from: kept.sequence + 1, at: await this.#timeOf(epoch, kept, questions) }
    }
  }

  /** When a checkpoint was made. */
  async #timeOf(epoch: ChainedEpoch, { checkpoint }: Place, questions: Questions): Promise<number> {
    const known = this.#beginnings.get(hex(checkpoint))
    if (known !== undefined) return known
    const keys = await this.#ports.keysOf(epoch)
    const fetch = new CheckpointFetch(this.#ports, checkpoint, 1)
    const [first = NOTHING] = await questions.inTurn(() => questions.ask(fetch))
    const { unixMs } = await openManifest(keys, epoch.parsed.index, first, fetch.total === 1)
    this.#beginnings.set(hex(checkpoint), unixMs)
    return unixMs
  }

  /** Why an epoch's beginning could not be had, and from which later checkpoint on the relay keeps it; throws what it got if that is no answer. */
  async #oldestKept(epoch: ChainedEpoch, error: unknown, questions: Questions): Promise<Place> {
    if (!(error instanceof SealedError) || (error.code !== 'pruned' && error.code !== 'withheld')) throw error
    const [oldest] = await questions.ask(new CheckpointList(this.#ports, epoch.hash))
    // What it says that it has, and does not show, is withheld.
    if (oldest === undefined || equalBytes(oldest.checkpoint, epoch.parsed.checkpoint)) throw error
    return oldest
  }

  /** One epoch tells no time; why. */
  #endure(error: unknown): ProblemCode {
    if (!(error instanceof SealedError || error instanceof KeyError)) throw error
    const { code, message } = error
    if (code === 'tampered' || code === 'relay-fault') this.#ports.problems.raise(code, message, 'history')
    return code
  }

  // --- one epoch ---

  async #open({ epoch, after, to, hash }: Span, keys: EpochKeys, at: number, questions: Questions): Promise<Y.Doc> {
    const { index } = epoch.parsed
    if (hash === undefined) throw new SealedError('withheld', `where epoch ${index} ends is not known`, 'history')
    const until = { to, hash, at }
    try {
      const log = await this.#logOf(epoch, after, to, keys, questions)
      if (at < log.start.sequence) throw notKept(index)
      return await this.#readAndKeep(log, until, keys, questions)
    } catch (error) {
      const kept = await this.#oldestKept(epoch, error, questions)
      if (at < kept.sequence) throw notKept(index)
      const log = new EpochLog(epoch, await this.#fetch(epoch, kept, keys, questions))
      return await this.#readAndKeep(log, until, keys, questions)
    }
  }

  async #readAndKeep(
    log: EpochLog,
    until: { to: number; hash: Uint8Array; at: number },
    keys: EpochKeys,
    questions: Questions,
  ): Promise<Y.Doc> {
    const doc = await this.#readThrough(log, until, keys, questions, this.#ports.problems)
    if (log.isKept && !questions.isOver) this.#kept = log
    return doc
  }

  /** The document after sequence `at`; the log is read through its end, where H is compared. */
  async #readThrough(
    log: EpochLog,
    { to, hash, at }: { to: number; hash: Uint8Array; at: number },
    keys: EpochKeys,
    questions: Questions,
    problems: Problems,
  ): Promise<Y.Doc> {
    const past = new PastDocument(log.start, problems, log.isMidway)
    past.take(through(log.entries, at))
    const unusable: number[] = []
    while (log.through < to) {
      const page = new LogRead(this.#ports, log.through, Math.min(log.through + PAGE_ENTRIES, to))
      const added = await log.add(keys, await questions.ask(page))
      past.take(through(added, at))
      for (const { sequence, opened } of added) if (opened === undefined) unusable.push(sequence)
    }
    if (!equalBytes(log.hash, hash)) {
      throw new SealedError('fork', 'the relay shows another log of an epoch than its members had', 'history')
    }
    for (const sequence of unusable) {
      problems.raise('tampered', `entry ${sequence} does not open: nothing of it was applied`, 'history')
    }
    return past.finish()
  }

  /** What is kept of the epoch, or its beginning. It counts as kept again only once it has been compared with H. */
  async #logOf(
    epoch: ChainedEpoch,
    after: number,
    to: number,
    keys: EpochKeys,
    questions: Questions,
  ): Promise<EpochLog> {
    const kept = this.#kept
    this.#kept = undefined
    if (kept?.isOf(epoch) && kept.through <= to) return kept
    return new EpochLog(epoch, await this.#startOf(epoch, after, keys, questions))
  }

  async #startOf(epoch: ChainedEpoch, after: number, keys: EpochKeys, questions: Questions): Promise<EpochStart> {
    if (this.#ports.pruned() > after) throw notKept(epoch.parsed.index)
    const first = firstPlace(epoch)
    if (first !== undefined) return this.#fetch(epoch, first, keys, questions)
    return emptyStart({ parsed: epoch.parsed, startHash: startHash(epoch.hash) })
  }

  async #fetch(
    { hash, parsed }: ChainedEpoch,
    place: Place,
    keys: EpochKeys,
    questions: Questions,
  ): Promise<EpochStart> {
    const chunks = await questions.ask(new CheckpointFetch(this.#ports, place.checkpoint))
    return openPlace({ keys, index: parsed.index, parsed, startHash: startHash(hash) }, place, chunks)
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

const notKept = (index: number) =>
  new SealedError('pruned', `the relay does not keep epoch ${index} from that far back any more`, 'history')

/** The checkpoint that an epoch began with; undefined: it began empty, for which zeros stand. */
function firstPlace({ hash, parsed }: ChainedEpoch): Place | undefined {
  const { checkpoint, prevSequence: sequence } = parsed
  return checkpoint.every((byte) => byte === 0) ? undefined : { checkpoint, sequence, hash: startHash(hash), bytes: 0 }
}

const through = (entries: readonly PastEntry[], at: number) => entries.filter(({ sequence }) => sequence <= at)
