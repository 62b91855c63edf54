import type { Place } from '@y-sealed/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { EpochLoad } from '../../../packages/provider/src/checkpoint/epoch-load.ts'
import type { EpochStart } from '../../../packages/provider/src/checkpoint/epoch-start.ts'
import { sealCheckpoint } from '../../../packages/provider/src/checkpoint/seal-checkpoint.ts'
import type { Epoch } from '../../../packages/provider/src/epoch/epoch.ts'
import { hex } from '../../../packages/provider/src/hex.ts'
import { Problems } from '../../../packages/provider/src/problems.ts'
import { SealedError } from '../../../packages/provider/src/sealed-error.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { firstEpoch, hashOf, placeOf, textOf, updateBy } from './checkpoint-fixture.ts'

// With which checkpoint a reader begins: the newest that can be used.

let epoch: Epoch
let relay: Relay
beforeEach(async () => {
  epoch = await firstEpoch()
  relay = new Relay()
})

class Relay {
  readonly fetched: Uint8Array[] = []
  readonly told: string[] = []
  readonly begun: EpochStart[] = []
  readonly #chunks = new Map<string, Uint8Array[] | SealedError>()
  readonly #clock = new FakeClock()

  /** Has one that says under seal that it stands at 30. Gives its name. */
  async stores(words: string): Promise<Uint8Array> {
    const { keys } = epoch
    const manifest = {
      sequence: 30,
      hash: hashOf(77),
      previous: undefined,
      digest: hashOf(5),
      unixMs: this.#clock.now(),
    }
    const toSeal = { keys, epochIndex: 0, padding: true, clock: this.#clock, manifest, update: updateBy(1, words) }
    const { chunks, hash } = await sealCheckpoint(toSeal)
    this.#chunks.set(hex(hash), chunks)
    return hash
  }

  refuses(place: Place, code: 'interrupted' | 'withheld'): void {
    this.#chunks.set(hex(place.checkpoint), new SealedError(code, code, 'checkpoint'))
  }

  /** `isUsable`: whether the reader can begin with what a checkpoint holds. */
  load(places: (Place | undefined)[] | Promise<never>, isUsable = (_: EpochStart) => true, of = epoch) {
    const load = new EpochLoad({
      problems: new Problems(this.#clock, ({ code }) => this.told.push(code)),
      placesOf: async () => places,
      fetch: async (checkpoint) => {
        this.fetched.push(checkpoint)
        const chunks = this.#chunks.get(hex(checkpoint))
        if (chunks instanceof SealedError || chunks === undefined)
          throw chunks ?? new SealedError('withheld', 'there is none', 'checkpoint')
        return chunks
      },
    })
    return load.load(
      of,
      () => false,
      (start) => {
        this.begun.push(start)
        return isUsable(start)
      },
    )
  }
}

describe('a checkpoint', () => {
  it('is begun with where it says under seal that it stands, and the relay agrees', async () => {
    const checkpoint = await relay.stores('hello')
    const start = await relay.load([{ checkpoint, sequence: 30, hash: hashOf(77), bytes: 1 }, undefined])
    expect(start).toMatchObject({ sequence: 30, hash: hashOf(77), checkpoint })
    expect(relay.begun.map(({ update }) => textOf(update ?? Y.encodeStateAsUpdate(new Y.Doc())))).toEqual(['hello'])
    expect(relay.told).toEqual([])
  })

  it.each([
    ['sequence', { sequence: 29, hash: hashOf(77) }],
    ['history', { sequence: 30, hash: hashOf(78) }],
  ])('that the relay tells of for another %s is not, and that is told', async (_, at) => {
    const checkpoint = await relay.stores('hello')
    const start = await relay.load([{ checkpoint, ...at, bytes: 1 }, undefined])
    expect(start).toMatchObject({ sequence: 0, checkpoint: undefined, hash: epoch.startHash })
    expect([relay.told, relay.begun.length]).toEqual([['member-fault'], 1])
  })

  it('that the epoch began with is, whatever its author saw: the record says where it stands', async () => {
    const checkpoint = await relay.stores('hello')
    const parsed = { ...epoch.parsed, checkpoint, prevSequence: 40 }
    const place = { checkpoint, sequence: 40, hash: hashOf(99), bytes: 1 }
    const start = await relay.load([place], () => true, { ...epoch, parsed })
    expect(start).toMatchObject({ sequence: 40, hash: epoch.startHash, checkpoint })
  })

  it('that cannot be had is told of, and the one before is taken', async () => {
    const checkpoint = await relay.stores('hello')
    const older = { checkpoint, sequence: 30, hash: hashOf(77), bytes: 1 }
    expect(await relay.load([placeOf(3, 50), older])).toMatchObject({ sequence: 30 })
    expect(relay.told).toEqual(['withheld'])
  })

  it('whose content is nothing to Yjs likewise', async () => {
    const place = { sequence: 30, hash: hashOf(77), bytes: 1 }
    const [newer, older] = [await relay.stores('newer'), await relay.stores('older')]
    const isUsable = ({ checkpoint }: EpochStart): boolean => checkpoint !== newer
    const start = await relay.load(
      [
        { checkpoint: newer, ...place },
        { checkpoint: older, ...place },
      ],
      isUsable,
    )
    expect(start).toMatchObject({ checkpoint: older })
    expect(relay.begun).toHaveLength(2)
  })

  it('the last of which cannot be had either, is the error', async () => {
    expect(await relay.load([placeOf(3, 50), placeOf(2, 20)])).toMatchObject({ code: 'withheld' })
    expect([relay.begun, relay.told]).toEqual([[], ['withheld']])
  })

  it('of which the relay does not say where it stands is the relay’s fault, and told as such', async () => {
    const refusal = new SealedError('relay-fault', 'the relay refuses to list checkpoints', 'checkpoint')
    expect(await relay.load(Promise.reject(refusal))).toBe(refusal)
    expect([relay.told, relay.begun]).toEqual([[], []])
  })

  it('that the end of the session keeps from coming is nobody’s fault: nothing is told, and no older one is asked for', async () => {
    relay.refuses(placeOf(3, 50), 'interrupted')
    expect(await relay.load([placeOf(3, 50), undefined])).toMatchObject({ code: 'interrupted' })
    expect([relay.told, relay.fetched.length, relay.begun]).toEqual([[], 1, []])
  })
})
