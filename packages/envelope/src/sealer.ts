import { EnvelopeKind, MAX_EPOCH_INDEX } from '@y-sealed/protocol/header'
import { encodeSlot } from './aead-input.ts'
import { createCounters, streamOf } from './counters.ts'
import type { SealingKey } from './engine/engine.ts'
import { misuse } from './envelope-error.ts'
import type { EpochKeys } from './epoch-keys.ts'
import { type Body, layOut } from './layout.ts'
import { mapInTurns } from './next-turn.ts'
import type { Birth } from './plaintext.ts'
import { sealEnvelope, sealEnvelopeNow, type Unsealed } from './seal.ts'
import { createSealerLife } from './sealer-life.ts'
import { drawSalt, systemRandom } from './sealer-salt.ts'

export interface SealOptions {
  /** Kind 1: the update heals the log. */
  repair?: boolean
  /** What this sealer's owner knew of the log: required on counter 1 of a wire sealer's kinds 1 and 4, illegal elsewhere. */
  birth?: Birth
  /** Kind 5, required there: the place in the local store. */
  slot?: string
}

/** One epoch of one document in one provider instance on one connection. Counters live here and nowhere else. */
export interface Sealer {
  /** 16 bytes, drawn for this sealer. */
  readonly salt: Uint8Array
  readonly epochIndex: number
  /** True while neither an update nor a witness was sealed: the next one needs `birth` if this is a wire sealer. */
  readonly unborn: boolean
  /**
   * Seals one body as one envelope, or, over 256 KiB with its padding, as consecutive parts (kind 1) or chunks (kind 2). Over a megabyte the body
   * is read as it is sealed: it must not change until then.
   * Counters are taken when it is called; calls complete in call order. Rejects with EnvelopeError `caller` or `limit`, and
   * then no counter was taken. Should the engine itself fail, a counter is lost for good: retire the sealer.
   */
  seal(kind: EnvelopeKind, body: Body, options?: SealOptions): Promise<Uint8Array[]>
  /** The same, synchronously. Calls of `seal` that have not completed have lower counters. */
  sealNow(kind: EnvelopeKind, body: Body, options?: SealOptions): Uint8Array[]
  /**
   * Seals synchronously, once more, what `seal` has not completed, oldest call first: the same counters and the same bytes, for a page that
   * unloads. What `seal` then gives must not be sent as well.
   */
  sealUnfinishedNow(): Uint8Array[][]
  /** True after 2^20 envelopes, 256 MiB, one hour or a jump of the wall clock: the owner then makes a new sealer. */
  isSpent(nowUnixMs?: number): boolean
  /** Lets the keys go. What was asked for before completes; what is asked for afterwards fails with `caller`. */
  retire(): void
}

export interface SealerOptions {
  epochIndex: number
  /** Default true: kinds 1, 3 and 4, with a birth on counter 1. False: kinds 1, 2, 5 and 6, for checkpoint and rotation attempts, local store, tabs. */
  wire?: boolean
  /** Default true. */
  padding?: boolean
  /** Only for tests: a source of random bytes. */
  random?: (bytes: number) => Uint8Array
  /** Wall clock in unix ms. */
  now?: () => number
  /** A clock that nobody sets, in ms. Default: the platform's, or `now` where that is given. */
  monotonic?: () => number
}

// A megabyte, which a browser seals in two or three milliseconds.
const PARTS_PER_TURN = 4

const WIRE_KINDS = [EnvelopeKind.update, EnvelopeKind.awareness, EnvelopeKind.witness]
const OWN_KINDS = [EnvelopeKind.update, EnvelopeKind.checkpoint, EnvelopeKind.local, EnvelopeKind.crossTab]

/** Draws a salt and derives the subkeys of the kinds that the sealer may seal. */
export async function createSealer(keys: EpochKeys, options: SealerOptions): Promise<Sealer> {
  const { epochIndex, wire = true, padding = true, random = systemRandom, now = Date.now } = options
  if (!Number.isInteger(epochIndex) || epochIndex < 0 || epochIndex > MAX_EPOCH_INDEX) throw misuse('epoch index')
  const salt = drawSalt(keys.engine, random, now())
  const life = createSealerLife(now, options.monotonic ?? options.now ?? (() => performance.now()))
  const sealingKeys = new Map<EnvelopeKind, SealingKey>()
  for (const kind of wire ? WIRE_KINDS : OWN_KINDS) sealingKeys.set(kind, await keys.sealingKey(kind, salt))
  const counters = createCounters()
  const unfinished = new Set<{ key: SealingKey; unsealed: Unsealed[] }>()
  let lastSealed: Promise<unknown> = Promise.resolve()

  function keyOf(kind: EnvelopeKind): SealingKey {
    const key = sealingKeys.get(kind)
    if (key === undefined) throw misuse(`this sealer does not seal kind ${kind}, or was retired`)
    return key
  }

  /** Checks everything, then takes the counters: never one counter, two ciphertexts. */
  function take(kind: EnvelopeKind, body: Body, { repair = false, birth, slot }: SealOptions): Unsealed[] {
    checkUse(kind, counters.next(kind), { wire, repair, birth, slot })
    const sheets = layOut(kind, body, { padding, repair, birth })
    const counter = counters.take(kind, sheets.length)
    life.count(sheets)
    return sheets.map((sheet, at) => ({
      kind,
      epochId: keys.epochId,
      epochIndex,
      salt,
      counter: counter + at,
      slot,
      final: sheet.final,
      get plaintext() {
        return sheet.plaintext
      },
    }))
  }

  return {
    salt: salt.slice(),
    epochIndex,
    get unborn() {
      return counters.next(EnvelopeKind.update) === 1
    },
    seal: async (kind, body, options = {}) => {
      const call = { key: keyOf(kind), unsealed: take(kind, body, options) }
      unfinished.add(call)
      const envelopes = mapInTurns(call.unsealed, PARTS_PER_TURN, (unsealed) => sealEnvelope(call.key, unsealed))
      // Engines complete out of order; the log wants counter order. A failure is its own call's alone.
      lastSealed = Promise.allSettled([lastSealed, envelopes])
      await lastSealed
      // Whoever awaits this goes on some microtasks after it is done; until then it is not in anybody's hands.
      envelopes.then(afterAwait, afterAwait).then(() => unfinished.delete(call))
      return envelopes
    },
    sealNow: (kind, body, options = {}) => {
      const key = keyOf(kind)
      return take(kind, body, options).map((unsealed) => sealEnvelopeNow(key, unsealed))
    },
    sealUnfinishedNow: () =>
      [...unfinished].map(({ key, unsealed }) => unsealed.map((one) => sealEnvelopeNow(key, one))),
    isSpent: life.isSpent,
    retire: () => {
      const letGo = [...sealingKeys.values()]
      sealingKeys.clear()
      const forget = () => {
        for (const key of letGo) key.forget()
      }
      if (unfinished.size === 0) forget()
      else lastSealed.then(forget)
      unfinished.clear()
    },
  }
}

/** More microtasks than an async function needs to hand over a promise that it returns (three, ECMA-262 §27.2.1.3.2 twice over). */
async function afterAwait(): Promise<void> {
  for (let microtask = 0; microtask < 8; microtask++) await undefined
}

function checkUse(
  kind: EnvelopeKind,
  counter: number,
  use: { wire: boolean; repair: boolean; birth: Birth | undefined; slot: string | undefined },
): void {
  const born = counter > 1 || streamOf(kind) !== EnvelopeKind.update
  if (use.wire && !born && use.birth === undefined) throw misuse('counter 1 of a wire sealer needs birth')
  if ((born || !use.wire) && use.birth !== undefined) throw misuse('birth belongs to counter 1 of a wire sealer')
  if (use.repair && kind !== EnvelopeKind.update) throw misuse('only updates repair')
  if ((kind === EnvelopeKind.local) !== (use.slot !== undefined)) throw misuse('kind 5, and no other, has a slot')
  if (use.slot !== undefined) encodeSlot(use.slot)
  // Its chunks are counted from 1: a second checkpoint under one salt would give both texts away.
  if (kind === EnvelopeKind.checkpoint && counter > 1) throw misuse('a sealer seals one checkpoint')
}
