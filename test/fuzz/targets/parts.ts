import { EnvelopeError, EnvelopeKind, joinParts, type Opened, PART_BODY_BYTES } from '@y-sealed/envelope'
import { below, pick } from '../../support/random.ts'
import { join } from '../mutate.ts'
import { codeOf, promised, type Target } from '../target.ts'
import { SALT } from './known-keys.ts'

/** Of one part: its flags, counter, salt, length and last bytes. The bytes between are zeros: nobody reads them. */
const PART_BYTES = 7

/** Enough for every order and every hole. */
const MAX_PARTS = 6

/** Parts of an update and chunks of a checkpoint, each opened under a valid tag (ENV-15, ENV-16). */
export const parts: Target = {
  name: 'parts',
  promise: 'are joined to exactly what was cut, or refused as malformed',
  sampleCases: 800,
  mustMeet: ['accepted', 'malformed'],
  open: async () => ({
    seeds: [1, 2, 3].flatMap((count) => [descriptions(count, false), descriptions(count, true)]),
    invent: (random) =>
      join(
        ...Array.from({ length: 1 + below(random, MAX_PARTS) }, (_, at) =>
          description({
            flags: below(random, 32),
            counter: pick(random, [at + 1, at + 1, at, 255]),
            salt: pick(random, [0, 0, 0, 1]),
            full: pick(random, [1, 1, 0]),
            rest: below(random, 4),
            mark: pick(random, [0x80, 0, 1]),
            end: 0,
          }),
        ),
      ),
    check(input) {
      const opened = partsOf(input)
      try {
        const body = joinParts(opened)
        const [first] = opened as [Opened]
        const whole = opened.reduce((sum, part) => sum + part.body.length, 0)
        promised(body.length <= whole, 'more bytes than the parts have')
        promised(
          opened.every((part, at) => part.counter === first.counter + at && part.repair === first.repair),
          'parts of two updates make one',
        )
        promised(
          first.padded ? opened.length === 1 || body.length < whole : body.length === whole,
          'the padding is still there',
        )
        return 'accepted'
      } catch (error) {
        return codeOf(error, EnvelopeError, ['malformed'])
      }
    },
  }),
}

interface Description {
  readonly flags: number
  readonly counter: number
  readonly salt: number
  readonly full: number
  readonly rest: number
  readonly mark: number
  readonly end: number
}

function description({ flags, counter, salt, full, rest, mark, end }: Description): Uint8Array {
  return Uint8Array.of(flags, counter, salt, full, rest, mark, end)
}

/** An update of so many parts, as a sealer cuts it. */
function descriptions(count: number, padded: boolean): Uint8Array {
  return join(
    ...Array.from({ length: count }, (_, at) => {
      const isLast = at === count - 1
      const flags = (padded ? 1 : 0) | (isLast ? 0 : 2) | (at > 0 ? 16 : 0)
      return description({
        flags,
        counter: at + 1,
        salt: 0,
        full: isLast ? 0 : 1,
        rest: isLast ? 3 : 0,
        mark: 0x80,
        end: 0,
      })
    }),
  )
}

function partsOf(input: Uint8Array): Opened[] {
  const opened: Opened[] = []
  for (let at = 0; at + PART_BYTES <= input.length && opened.length < MAX_PARTS; at += PART_BYTES) {
    const [flags = 0, counter = 0, salt = 0, full = 0, rest = 0, mark = 0, end = 0] = input.subarray(at)
    const body = new Uint8Array((full === 1 ? PART_BODY_BYTES : 0) + rest)
    if (body.length > 1) body.set([mark, end], body.length - 2)
    const isCheckpoint = full === 2
    opened.push({
      kind: isCheckpoint ? EnvelopeKind.checkpoint : EnvelopeKind.update,
      epochIndex: 0,
      salt: salt === 0 ? SALT : SALT.map((byte) => byte ^ salt),
      counter,
      more: (flags & 2) !== 0,
      continues: (flags & 16) !== 0,
      padded: (flags & 1) !== 0,
      repair: (flags & 4) !== 0,
      codec: 1,
      body,
      final: false,
    })
  }
  return opened
}
