import {
  createEpochRecord,
  EnvelopeError,
  type EpochKeys,
  parseEpochRecord,
  recordHash,
  verifyEpochRecord,
} from '@y-sealed/envelope'
import { MAX_EPOCH_INDEX, ProtocolError, recordPrefix } from '@y-sealed/protocol/header'
import { below, pick, randomBytes } from '../../support/random.ts'
import { join, someNumber, varint } from '../mutate.ts'
import { codeOf, promised, sameBytes, type Target } from '../target.ts'
import { knownKeys } from './known-keys.ts'

const KNOWN = ['malformed', 'unsupported']

/** The public record of an epoch (attacks B9, C6): what a relay can make of it, without the keys. */
export const epochRecord: Target = {
  name: 'epoch-record',
  promise: 'is parsed and written again as it was, or refused by a code; its tags hold only for what a member made',
  sampleCases: 2_000,
  mustMeet: ['accepted', 'forged', 'malformed', 'unsupported'],
  async open() {
    const keys = await knownKeys()
    const next = await knownKeys(undefined, { keyHint: 'hint-1 ✓', nonce: new Uint8Array(16).fill(9) })
    const first = await createEpochRecord(keys, { index: 0 })
    const prev = {
      prevRecord: recordHash(first),
      previousKeys: keys,
      prevSequence: 300,
      prevHash: new Uint8Array(32).fill(7),
    }
    const second = await createEpochRecord(next, {
      index: 1,
      endpointEpoch: 41,
      ...prev,
      prevCheckpoint: new Uint8Array(32),
    })
    const third = await createEpochRecord(next, {
      index: 200,
      ...prev,
      prevCheckpoint: new Uint8Array(32).fill(1),
      checkpoint: new Uint8Array(32).fill(2),
    })
    const made = [first, second, third]
    return {
      seeds: made,
      invent: inventRecord,
      async check(input) {
        try {
          const parsed = parseEpochRecord(input)
          promised(sameBytes(written(parsed), input), 'the record is written in another way')
          const { index, bytes } = recordPrefix(input)
          promised(index === parsed.index && bytes <= input.length, 'the relay reads another index')
        } catch (error) {
          promised(!made.some((each) => sameBytes(each, input)), 'a record that was made is refused')
          return codeOf(error, EnvelopeError, KNOWN)
        }
        return (await holds(input, made, keys, next)) ? 'accepted' : 'forged'
      },
    }
  },
}

/** What relays read of it never differs from what members read. */
async function holds(
  input: Uint8Array,
  made: readonly Uint8Array[],
  keys: EpochKeys,
  next: EpochKeys,
): Promise<boolean> {
  const isMade = made.some((each) => sameBytes(each, input))
  const verdicts = [await verifyEpochRecord(keys, input), await verifyEpochRecord(next, input, keys)]
  promised(isMade || !verdicts.includes(true), 'a record that no member made has valid tags')
  promised(!isMade || verdicts.includes(true), 'a record that a member made has no valid tags')
  return isMade
}

type Parsed = ReturnType<typeof parseEpochRecord>

/** ENV-23, from its table and not from the package's own encoder. */
function written(record: Parsed): Uint8Array {
  const hint = new TextEncoder().encode(record.keyHint)
  return join(
    Uint8Array.of(record.version, record.suite, record.stretch),
    varint(record.index),
    varint(record.endpointEpoch === undefined ? 0 : record.endpointEpoch + 1),
    Uint8Array.of(hint.length >> 8, hint.length & 0xff),
    hint,
    record.nonce,
    Uint8Array.of(0, 0),
    record.epochId,
    record.prevRecord,
    varint(record.prevSequence),
    record.prevHash,
    record.prevCheckpoint,
    record.checkpoint,
    record.linkTag,
    record.selfTag,
  )
}

function inventRecord(random: () => number): Uint8Array {
  const hash = (): Uint8Array => pick(random, [new Uint8Array(32), randomBytes(random, 32)])
  const hint = pick(random, [new Uint8Array(0), new Uint8Array(256).fill(0x68), randomBytes(random, below(random, 12))])
  const ext = pick(random, [0, 0, 0, 1, 0xffff])
  return join(
    Uint8Array.of(pick(random, [1, 1, 1, 0, 2, 255]), pick(random, [1, 1, 1, 0, 2]), pick(random, [0, 0, 1, 2])),
    varint(pick(random, [0, 0, 1, someNumber(random, 2 * MAX_EPOCH_INDEX)])),
    varint(someNumber(random, 2 ** 53)),
    Uint8Array.of(hint.length >> 8, hint.length & 0xff),
    hint,
    randomBytes(random, 16),
    Uint8Array.of(ext >> 8, ext & 0xff),
    hash(),
    hash(),
    varint(pick(random, [0, someNumber(random)])),
    hash(),
    hash(),
    hash(),
    hash(),
    hash(),
  )
}

/** What a relay reads of a record, whatever follows (WIRE-32). */
export const recordStart: Target = {
  name: 'record-start',
  promise: 'is read, or refused by a code',
  sampleCases: 1_500,
  mustMeet: ['accepted', 'malformed', 'unsupported'],
  open: async () => ({
    seeds: [Uint8Array.of(1, 1, 0, 0), Uint8Array.of(1, 255, 255, 0xff, 0xff, 0xff, 0xff, 7, 9)],
    invent: (random) => join(Uint8Array.of(below(random, 3), 1, 0), varint(someNumber(random, 2 ** 33))),
    check(input) {
      try {
        const { index, bytes } = recordPrefix(input)
        promised(index <= MAX_EPOCH_INDEX && bytes <= input.length, 'out of bounds')
        promised(sameBytes(varint(index), input.subarray(3, bytes)), 'the index is written in another way')
        return 'accepted'
      } catch (error) {
        return codeOf(error, ProtocolError, KNOWN)
      }
    },
  }),
}
