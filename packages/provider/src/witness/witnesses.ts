import { EnvelopeError, EnvelopeKind, type Opened, parseWitnessBody, type Witness } from '@y-sealed/envelope'
import type { Clock } from '@y-sealed/key-client'
import type { Epoch } from '../epoch/epoch.ts'
import { hex, shortName } from '../hex.ts'
import type { Author, Taken } from '../inbound/taken.ts'
import type { Problems } from '../problems.ts'
import { type Claim, judgeClaim } from './judge-claim.ts'
import { LogHashes } from './log-hashes.ts'
import { type Unwitnessed, type Verified, WitnessLedger } from './witness-ledger.ts'
import { WitnessSchedule } from './witness-schedule.ts'

export interface WitnessesPorts {
  readonly clock: Clock
  readonly problems: Problems
  reader(): { readonly cursor: number; readonly hash: Uint8Array }
  /** The document is complete. */
  isLive(): boolean
  /** A session that is complete and may append. */
  mayAppend(): boolean
  /** To be appended with what is sent next; asked for it in that moment. */
  append(make: () => Witness | undefined): void
  onVerified(verified: Verified): void
  onUnwitnessed(unwitnessed: Unwitnessed | undefined): void
}

/** What members say under seal that they have seen of the log (protocol §7): this one says it, and compares what the others say. */
export class Witnesses {
  readonly #ports: WitnessesPorts
  readonly #hashes = new LogHashes()
  readonly #ledger: WitnessLedger
  readonly #schedule: WitnessSchedule
  /** The last sequence before the epoch. */
  #epochStart = 0
  /** Through which sequence the witness speaks that was made last. */
  #made = 0
  #hasWritten = false
  #isContradicted = false

  constructor(ports: WitnessesPorts) {
    this.#ports = ports
    this.#ledger = new WitnessLedger(ports)
    this.#schedule = new WitnessSchedule({
      clock: ports.clock,
      random: Math.random,
      mayMake: ports.mayAppend,
      onDue: () => this.append(() => (this.#schedule.isWanted ? this.#seen() : undefined)),
    })
  }

  get verified(): Verified | undefined {
    return this.#ledger.verified
  }

  get unwitnessed(): Unwitnessed | undefined {
    return this.#ledger.unwitnessed
  }

  /** Somebody has seen another history than the one that was read here last: whatever the relay confirms, it is to be read again. */
  get isContradicted(): boolean {
    return this.#isContradicted
  }

  /** This member appends under that salt: what it says there proves nothing to itself, not even when it reads it later. */
  noteOwn(salt: Uint8Array): void {
    this.#ledger.noteOwn(salt)
  }

  /** The reader stands where it begins to read an epoch. `isAnew`: not behind all that was read before. */
  began({ parsed }: Epoch, isAnew: boolean): void {
    const { cursor, hash } = this.#ports.reader()
    this.#epochStart = parsed.prevSequence
    this.#hashes.begin(cursor, hash)
    this.#schedule.clear()
    if (!isAnew) return
    this.#ledger.clear()
    this.#isContradicted = false
  }

  taken({ sequence, hash, from }: Taken): void {
    if (from?.opened !== undefined) this.#compare(from.opened, sequence)
    else if (from?.kind === EnvelopeKind.witness) this.#schedule.witnessed(this.#made)
    if (hash !== undefined) this.#hashes.remember(sequence, hash)
    if (from?.kind === EnvelopeKind.update) this.#wrote(from, sequence)
  }

  /** The document is complete. */
  live(): void {
    this.#schedule.resume()
  }

  /** The session is over. */
  stop(): void {
    this.#hasWritten = false
    this.#schedule.pause()
    this.#ledger.stop()
  }

  /** This member has made a checkpoint: whoever begins with it is to find behind it what was seen there. */
  checkpointMade(sequence: number): void {
    this.#schedule.wrote(sequence)
  }

  append(make: () => Witness | undefined): void {
    this.#ports.append(() => {
      const witness = make()
      if (witness !== undefined) this.#made = witness.sequence
      return witness
    })
  }

  /** What is still to be said by somebody who does not come back. Who has only read goes without a trace. */
  last(): Witness | undefined {
    return this.#hasWritten && this.#schedule.isWanted && this.#ports.mayAppend() ? this.#seen() : undefined
  }

  #seen(): Witness {
    const { reader, clock } = this.#ports
    const { cursor: sequence, hash } = reader()
    return { sequence, hash, checkpoint: undefined, unixMs: clock.now() }
  }

  #wrote({ salt, opened }: Author, sequence: number): void {
    const isOwn = opened === undefined
    // What was written before, those who were there have witnessed: opening a document appends nothing.
    if (!isOwn && !this.#ports.isLive()) return
    if (isOwn) this.#hasWritten = true
    else if (!this.#ledger.isOwn(salt)) this.#ledger.othersWrote(sequence)
    this.#schedule.wrote(sequence)
  }

  #compare(opened: Opened, place: number): void {
    if (opened.birth !== undefined) this.#agrees(opened.birth, opened, place)
    if (opened.kind !== EnvelopeKind.witness) return
    const witness = this.#parse(opened, place)
    if (witness === undefined || !this.#agrees(witness, opened, place) || this.#ledger.isOwn(opened.salt)) return
    this.#ledger.agreed(witness)
    this.#schedule.othersWitnessed(hex(opened.salt), witness.sequence)
  }

  #parse({ body, salt }: Opened, sequence: number): Witness | undefined {
    try {
      return parseWitnessBody(body)
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error
      this.#ports.problems.raise('member-fault', 'a witness is not well-formed', WHERE, {
        sequence,
        sealer: shortName(salt),
      })
      return undefined
    }
  }

  #agrees(claim: Claim, { salt }: Opened, place: number): boolean {
    const { problems } = this.#ports
    const hashes = this.#hashes
    const epochStart = this.#epochStart
    const known = { sequence: claim.sequence, sealer: shortName(salt) }
    switch (judgeClaim(claim, { sequence: place, epochStart, hashAt: (sequence) => hashes.at(sequence) })) {
      case 'agrees':
        return true
      case 'unknown':
        return false
      case 'differs':
        this.#isContradicted = true
        problems.raise('fork', `the sealer of entry ${place} saw another history at ${at(claim)}`, WHERE, known)
        return false
      case 'ahead':
        this.#isContradicted = true
        problems.raise('withheld', `the sealer of entry ${place} had seen the log through ${at(claim)}`, WHERE, known)
        return false
      case 'impossible':
        problems.raise('member-fault', `entry ${place} speaks of ${at(claim)}, before its epoch`, WHERE, known)
        return false
    }
  }
}

const WHERE = 'entry'

const at = ({ sequence }: Claim): string => `sequence ${sequence}`
