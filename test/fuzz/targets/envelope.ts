import {
  createSealer,
  EnvelopeError,
  EnvelopeKind,
  type EpochKeys,
  type Opened,
  openEnvelope,
} from '@y-sealed/envelope'
import { nobleEngine, nodeEngine, webCryptoEngine } from '@y-sealed/envelope/testing'
import { randomBytes, seededRandom } from '../../support/random.ts'
import { codeOf, promised, sameBytes, type Target } from '../target.ts'
import { knownKeys } from './known-keys.ts'

const KNOWN = ['malformed', 'unsupported', 'open-failed']

/** What a relay may do to an envelope (attacks A2, B8, B9): only the bytes that were sealed open, in every engine alike. */
export const envelope: Target = {
  name: 'envelope',
  promise: 'opens if it is what was sealed; everything else is refused, by all engines with one code',
  sampleCases: 2_500,
  mustMeet: ['accepted', ...KNOWN],
  async open() {
    const keys = await Promise.all([nodeEngine, webCryptoEngine, nobleEngine].map((engine) => knownKeys(engine)))
    const sealed = await sealOfEachKind(keys[0] as EpochKeys)
    return {
      seeds: sealed,
      async check(input) {
        let decision: string | undefined
        for (const final of [false, true]) {
          for (const slot of [undefined, 'slot']) {
            const verdicts = await Promise.all(keys.map((each) => openAs(each, input, final, slot)))
            const [first] = verdicts as [Verdict]
            promised(
              verdicts.every(({ code }) => code === first.code),
              `engines disagree: ${verdicts.map(({ code }) => code)}`,
            )
            if (first.opened !== undefined) {
              promised(
                sealed.some((each) => sameBytes(each, input)),
                'opened what nobody has sealed',
              )
              for (const { opened } of verdicts)
                promised(sameOpened(first.opened, opened), 'engines open to different bodies')
              decision = 'accepted'
            }
            decision ??= first.code
          }
        }
        return decision ?? 'accepted'
      },
    }
  },
}

interface Verdict {
  readonly code: string
  readonly opened?: Opened
}

async function openAs(keys: EpochKeys, input: Uint8Array, final: boolean, slot: string | undefined): Promise<Verdict> {
  try {
    const opened = await openEnvelope(keys, input, { final, ...(slot === undefined ? {} : { slot }) })
    promised(opened.body.length <= input.length, 'a body longer than its envelope')
    return { code: 'accepted', opened }
  } catch (error) {
    return { code: codeOf(error, EnvelopeError, KNOWN) }
  }
}

const sameOpened = (a: Opened, b: Opened | undefined): boolean =>
  b !== undefined && a.kind === b.kind && a.counter === b.counter && sameBytes(a.body, b.body)

async function sealOfEachKind(keys: EpochKeys): Promise<Uint8Array[]> {
  const random = seededRandom('envelope/seeds')
  const fixed = { epochIndex: 3, random: (length: number) => randomBytes(random, length), now: () => 1_790_000_000_000 }
  const birth = { sequence: 300, hash: randomBytes(random, 32) }
  const wire = await createSealer(keys, fixed)
  const bare = await createSealer(keys, { ...fixed, padding: false })
  const own = await createSealer(keys, { ...fixed, wire: false })
  const body = randomBytes(random, 40)
  return [
    await wire.seal(EnvelopeKind.update, body, { birth }),
    await wire.seal(EnvelopeKind.witness, body),
    await wire.seal(EnvelopeKind.awareness, body),
    await bare.seal(EnvelopeKind.update, body, { birth, repair: true }),
    await bare.seal(EnvelopeKind.update, new Uint8Array(0)),
    await own.seal(EnvelopeKind.checkpoint, body),
    await own.seal(EnvelopeKind.local, body, { slot: 'slot' }),
    await own.seal(EnvelopeKind.crossTab, body),
  ].flat()
}
