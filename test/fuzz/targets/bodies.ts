import {
  EnvelopeError,
  encodeAwarenessBody,
  encodeCheckpointBody,
  encodeWitnessBody,
  parseAwarenessBody,
  parseCheckpointBody,
  parseWitnessBody,
} from '@y-sealed/envelope'
import { below, pick, randomBytes } from '../../support/random.ts'
import { join, someNumber, varint } from '../mutate.ts'
import { codeOf, promised, sameBytes, type Target } from '../target.ts'

const HASH = new Uint8Array(32).fill(7)
const NONE = new Uint8Array(32)
const TIME = Uint8Array.of(1, 0xa0, 0xc4, 0x50, 0x6c, 0)
const UPDATE = Uint8Array.of(0, 0)

/** What stands within an envelope besides updates. A member seals it, so its tag says nothing of its form. */
function bodyTarget(name: string, seeds: readonly Uint8Array[], again: (body: Uint8Array) => Uint8Array): Target {
  return {
    name,
    promise: 'is parsed and written again as it was, or refused as malformed',
    sampleCases: 1_500,
    mustMeet: ['accepted', 'malformed'],
    open: async () => ({
      seeds,
      invent: (random) =>
        join(
          varint(someNumber(random, 2 ** 60)),
          pick(random, [HASH, NONE, randomBytes(random, below(random, 40))]),
          pick(random, [HASH, NONE, randomBytes(random, 32)]),
          pick(random, [HASH, NONE, new Uint8Array(0)]),
          randomBytes(random, below(random, 8)),
          pick(random, [UPDATE, new Uint8Array(0)]),
        ),
      check(input) {
        try {
          promised(sameBytes(again(input), input), 'it is written in another way')
          return 'accepted'
        } catch (error) {
          return codeOf(error, EnvelopeError, ['malformed'])
        }
      },
    }),
  }
}

/** ENV-30. */
export const checkpointBody = bodyTarget(
  'checkpoint-body',
  [join(varint(300), HASH, NONE, HASH, TIME, UPDATE), join(varint(0), HASH, HASH, NONE, TIME, new Uint8Array(40))],
  (body) => {
    const { manifest, update } = parseCheckpointBody(body)
    return join(...encodeCheckpointBody(manifest, update))
  },
)

/** ENV-31. */
export const witnessBody = bodyTarget(
  'witness-body',
  [join(varint(300), HASH, NONE, TIME), join(varint(Number.MAX_SAFE_INTEGER), HASH, HASH, TIME)],
  (body) => encodeWitnessBody(parseWitnessBody(body)),
)

/** ENV-22. */
export const awarenessBody = bodyTarget(
  'awareness-body',
  [join(TIME, UPDATE), join(TIME, Uint8Array.of(1, 0xd5, 0xd6, 0xf9, 0xcd, 0x0b, 1, 2, 0x7b, 0x7d))],
  (body) => {
    const { unixMs, update } = parseAwarenessBody(body)
    return encodeAwarenessBody(unixMs, update)
  },
)
