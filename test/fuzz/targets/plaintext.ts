import { EnvelopeError, EnvelopeKind, type EpochKeys, joinParts, type Opened, openEnvelope } from '@y-sealed/envelope'
import { encodePlaintext, paddingOf, unsafeSealEnvelope } from '@y-sealed/envelope/testing'
import { isEnvelopeKind } from '@y-sealed/protocol/header'
import { below, pick, randomBytes } from '../../support/random.ts'
import { join, someNumber, varint } from '../mutate.ts'
import { codeOf, promised, sameBytes, type Target } from '../target.ts'
import { knownKeys, SALT } from './known-keys.ts'

/** kind (1) ‖ counter (1) ‖ final (1) ‖ plaintext: what a member may seal, with a valid tag. */
const HEAD_BYTES = 3

const UPDATE = Uint8Array.of(1, 1, 0x94, 0x03, 0, 4, 1, 1, 0x74, 1, 0x61, 0)

/** Flags, codec, birth and padding under a valid tag (ENV-13 to ENV-16): what a hostile member can make of them. */
export const plaintext: Target = {
  name: 'plaintext',
  promise: 'sealed by a member, is opened and written again as it was, or refused by a code',
  sampleCases: 2_500,
  mustMeet: ['accepted', 'malformed', 'unsupported'],
  async open() {
    const keys = await knownKeys()
    return {
      seeds: [
        inputOf(EnvelopeKind.update, 2, flags(0), UPDATE),
        inputOf(EnvelopeKind.update, 1, flags(9), join(varint(300), new Uint8Array(32).fill(7), UPDATE, padding(20))),
        inputOf(EnvelopeKind.update, 2, flags(5), join(UPDATE, padding(50))),
        inputOf(EnvelopeKind.update, 7, flags(18), UPDATE),
        inputOf(EnvelopeKind.checkpoint, 1, flags(1), join(UPDATE, padding(1)), true),
        inputOf(EnvelopeKind.awareness, 3, flags(1), join(UPDATE, padding(300))),
        inputOf(EnvelopeKind.witness, 1, flags(8), join(varint(2 ** 40), new Uint8Array(32), UPDATE)),
        inputOf(EnvelopeKind.crossTab, 9, flags(0), new Uint8Array(0)),
      ],
      invent(random) {
        const birth = join(varint(someNumber(random)), randomBytes(random, pick(random, [32, 32, 31, 0])))
        const body = pick(random, [UPDATE, randomBytes(random, below(random, 80)), new Uint8Array(0)])
        const end = pick(random, [padding(below(random, 60)), new Uint8Array(below(random, 9)), new Uint8Array(0)])
        const [bits, codec] = [below(random, 40), pick(random, [1, 1, 1, 1, 0, 2, 255])]
        const content = join((bits & 8) !== 0 ? birth : new Uint8Array(0), body, end)
        return inputOf(
          1 + below(random, 6),
          pick(random, [1, 1, 2, 3, 255]),
          Uint8Array.of(bits, codec),
          content,
          below(random, 2) === 1,
        )
      },
      async check(input) {
        const [kind = 0, counter = 0, last = 0] = input
        if (!isEnvelopeKind(kind) || counter === 0 || input.length < HEAD_BYTES + 2) return 'cannot be sealed'
        return checkPlaintext(keys, input.slice(HEAD_BYTES), { kind, counter, final: kind === 2 && last % 2 === 1 })
      },
    }
  },
}

interface Place {
  readonly kind: EnvelopeKind
  readonly counter: number
  readonly final: boolean
}

async function checkPlaintext(keys: EpochKeys, sealed: Uint8Array, place: Place): Promise<string> {
  const { kind, counter, final } = place
  const slot = kind === EnvelopeKind.local ? 'slot' : undefined
  const key = await keys.sealingKey(kind, SALT)
  const unsealed = { ...place, epochId: keys.epochId, epochIndex: 0, salt: SALT, slot, plaintext: sealed }
  const envelope = await unsafeSealEnvelope(key, unsealed)
  try {
    const opened = await openEnvelope(keys, envelope, { final, ...(slot === undefined ? {} : { slot }) })
    promised(opened.counter === counter && opened.kind === kind, 'another kind or counter than was sealed')
    promised(sameBytes(written(opened, sealed.length), sealed), 'the plaintext is written in another way')
    if (!opened.more && !opened.continues)
      promised(sameBytes(joinParts([opened]), opened.body), 'joined to another body')
    return 'accepted'
  } catch (error) {
    return codeOf(error, EnvelopeError, ['malformed', 'unsupported'])
  }
}

/** The plaintext that has this content, this long: how many zeros pad it is the sealer's choice. */
function written({ kind, more, continues, padded, repair, birth, body }: Opened, bytes: number): Uint8Array {
  const isPart = kind === EnvelopeKind.checkpoint
  const flags = {
    padded,
    repair,
    birth: birth !== undefined,
    more: more && !isPart,
    continues: continues && !isPart,
  }
  const content = join(birth === undefined ? new Uint8Array(0) : join(varint(birth.sequence), birth.hash), body)
  const isWhole = !more && !continues
  return encodePlaintext(flags, padded && isWhole ? join(content, paddingOf(bytes - 2 - content.length)) : content)
}

const flags = (bits: number): Uint8Array => Uint8Array.of(bits, 1)

const padding = (zeros: number): Uint8Array => join(Uint8Array.of(0x80), new Uint8Array(zeros))

function inputOf(kind: number, counter: number, prefix: Uint8Array, content: Uint8Array, final = false): Uint8Array {
  return join(Uint8Array.of(kind, counter, final ? 1 : 0), prefix, content)
}
