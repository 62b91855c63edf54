import { encodeHeader, MAX_COUNTER, MAX_EPOCH_INDEX, ProtocolError, parseHeader } from '@y-sealed/protocol/header'
import { below, randomBytes } from '../../support/random.ts'
import { join, someNumber, varint } from '../mutate.ts'
import { codeOf, promised, sameBytes, type Target } from '../target.ts'

/** The public header: what relay and clients read of an envelope before anything is decrypted (WIRE-30, WIRE-31). */
export const header: Target = {
  name: 'header',
  promise: 'is parsed and written again as it was, or refused by a code',
  sampleCases: 4_000,
  mustMeet: ['accepted', 'malformed', 'unsupported'],
  open: async () => ({
    seeds: [1, 2, 3, 4, 5, 6].map((kind) => envelopeOf(0x10 | kind, kind * 40, kind, 24)),
    invent: (random) =>
      envelopeOf(
        below(random, 256),
        someNumber(random, 2 * MAX_EPOCH_INDEX),
        someNumber(random, 2 * MAX_COUNTER),
        below(random, 40),
      ),
    check(input) {
      try {
        const parsed = parseHeader(input)
        const again = encodeHeader(parsed)
        promised(again.length === parsed.headerBytes, 'the header has another length when it is written')
        promised(sameBytes(again, input.subarray(0, parsed.headerBytes)), 'the header is written in another way')
        promised(parsed.salt.buffer !== input.buffer, 'the salt is a view of the bytes that came')
        return 'accepted'
      } catch (error) {
        return codeOf(error, ProtocolError, ['malformed', 'unsupported'])
      }
    },
  }),
}

function envelopeOf(first: number, index: number, counter: number, sealedBytes: number): Uint8Array {
  const salt = randomBytes(() => (index % 97) / 97, 16)
  return join(Uint8Array.of(first), varint(index), salt, varint(counter), new Uint8Array(sealedBytes))
}
