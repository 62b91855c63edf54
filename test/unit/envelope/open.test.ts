import { createSealer, EnvelopeKind, type EpochKeys, type OpenOptions, openEnvelope } from '@y-sealed/envelope'
import { paddingOf, unsafeSealEnvelope } from '@y-sealed/envelope/testing'
import { describe, expect, it } from 'vitest'
import { birth, bodyOf, deriveKeys, engines, errorOf, text, unhex } from './fixtures.ts'

const kinds = Object.entries(EnvelopeKind)
const optionsOf = (kind: EnvelopeKind): OpenOptions => ({
  ...(kind === EnvelopeKind.checkpoint && { final: true }),
  ...(kind === EnvelopeKind.local && { slot: 'outbox/1' }),
})

async function sealed(keys: EpochKeys, kind: EnvelopeKind, body = text('canary-plaintext')): Promise<Uint8Array> {
  const wire = kind === EnvelopeKind.update || kind === EnvelopeKind.awareness || kind === EnvelopeKind.witness
  const sealer = await createSealer(keys, { epochIndex: 0, wire })
  const needsBirth = kind === EnvelopeKind.update || kind === EnvelopeKind.witness
  const slot = optionsOf(kind).slot
  const [envelope] = await sealer.seal(kind, body, { ...(needsBirth && { birth }), ...(slot && { slot }) })
  return envelope!
}

/** An envelope of a member that does not keep to the format: its tag is good, its plaintext is not. */
async function sealedByMember(keys: EpochKeys, kind: EnvelopeKind, counter: number, plaintext: Uint8Array) {
  const salt = unhex('745cc4614c7b940913350e8cacf688c3')
  const unsealed = { kind, epochId: keys.epochId, epochIndex: 0, salt, counter, final: kind === 2, plaintext }
  return unsafeSealEnvelope(await keys.sealingKey(kind, salt), unsealed)
}

describe.each(engines)('$name', (engine) => {
  it.each(kinds)('[ENV-12] an envelope of kind %s with any bit turned opens nothing', async (_name, kind) => {
    const keys = await deriveKeys({}, engine)
    const envelope = await sealed(keys, kind)
    for (let at = 0; at < envelope.length; at++) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const edited = envelope.slice()
        edited[at] = (edited[at] ?? 0) ^ bit
        const error = await errorOf(() => openEnvelope(keys, edited, optionsOf(kind)))
        expect(['malformed', 'unsupported', 'open-failed'], `byte ${at}`).toContain(error.code)
        expect(error.fault).toBe('bytes')
      }
    }
    expect((await openEnvelope(keys, envelope, optionsOf(kind))).body).toEqual(text('canary-plaintext'))
  })

  it('[ENV-12] an envelope cut anywhere, or with a byte more, opens nothing', async () => {
    const keys = await deriveKeys({}, engine)
    const envelope = await sealed(keys, EnvelopeKind.update)
    for (let length = 0; length < envelope.length; length++) {
      const error = await errorOf(() => openEnvelope(keys, envelope.subarray(0, length)))
      expect(['malformed', 'open-failed'], `length ${length}`).toContain(error.code)
    }
    for (const more of [0, 0x80, 0xff]) {
      const extended = Uint8Array.of(...envelope, more)
      expect((await errorOf(() => openEnvelope(keys, extended))).code).toBe('open-failed')
      expect((await errorOf(() => openEnvelope(keys, Uint8Array.of(more, ...envelope)))).fault).toBe('bytes')
    }
  })

  const pairs = kinds.flatMap(([from, sealedKind]) =>
    kinds.filter(([to]) => to !== from).map(([to, claimedKind]) => ({ from, to, sealedKind, claimedKind })),
  )
  it.each(pairs)('[ENV-6] [ENV-11] $from re-labelled $to opens nothing', async ({ sealedKind, claimedKind }) => {
    const keys = await deriveKeys({}, engine)
    const relabelled = await sealed(keys, sealedKind)
    relabelled[0] = 0x10 | claimedKind
    for (const final of claimedKind === EnvelopeKind.checkpoint ? [false, true] : [false]) {
      const error = await errorOf(() => openEnvelope(keys, relabelled, { ...optionsOf(claimedKind), final }))
      expect(error.code).toBe('open-failed')
    }
    // As it reaches a reader that expects what was sealed.
    expect((await errorOf(() => openEnvelope(keys, relabelled, optionsOf(sealedKind)))).fault).toBe('bytes')
  })

  it('[ENV-11] an envelope opens in its own document, epoch and life of the document only', async () => {
    const keys = await deriveKeys({}, engine)
    const envelope = await sealed(keys, EnvelopeKind.update)
    const nonce = new Uint8Array(16).fill(1)
    for (const changes of [{ documentId: 'doc-2' }, { keyHint: 'hint-1' }, { nonce }]) {
      const others = await deriveKeys(changes, engine)
      expect((await errorOf(() => openEnvelope(others, envelope))).code).toBe('open-failed')
    }
  })

  it('[ENV-11] a local envelope opens in its own slot only', async () => {
    const keys = await deriveKeys({}, engine)
    const envelope = await sealed(keys, EnvelopeKind.local)
    for (const slot of ['outbox/2', '', 'outbox/1 ', 'OUTBOX/1']) {
      expect((await errorOf(() => openEnvelope(keys, envelope, { slot }))).code).toBe('open-failed')
    }
    expect((await errorOf(() => openEnvelope(keys, envelope))).code).toBe('malformed')
  })

  it('[ENV-10] [ENV-16] a checkpoint that the relay cut short does not open as whole', async () => {
    const keys = await deriveKeys({}, engine)
    const sealer = await createSealer(keys, { epochIndex: 0, wire: false })
    const [first, last] = await sealer.seal(EnvelopeKind.checkpoint, bodyOf(300_000))
    expect((await errorOf(() => openEnvelope(keys, first!, { final: true }))).code).toBe('open-failed')
    expect((await errorOf(() => openEnvelope(keys, last!, { final: false }))).code).toBe('open-failed')
    expect((await openEnvelope(keys, first!)).more).toBe(true)
    expect((await openEnvelope(keys, last!, { final: true })).more).toBe(false)
  })

  it('[ENV-12] an error tells nothing: one message, no cause, for every reason a tag fails', async () => {
    const keys = await deriveKeys({}, engine)
    const envelope = await sealed(keys, EnvelopeKind.update)
    const edited = envelope.slice()
    edited[envelope.length - 1] = (edited[envelope.length - 1] ?? 0) ^ 1
    const others = await deriveKeys({ documentId: 'doc-2' }, engine)
    const errors = [
      await errorOf(() => openEnvelope(keys, edited)),
      await errorOf(() => openEnvelope(others, envelope)),
    ]
    for (const error of errors)
      expect({ ...error, message: error.message, cause: error.cause }).toEqual({
        name: 'EnvelopeError',
        code: 'open-failed',
        fault: 'bytes',
        message: 'envelope does not open',
        cause: undefined,
      })
  })
})

it('[ENV-2] [ENV-13] flags and codecs that version 1 does not know are unsupported', async () => {
  const keys = await deriveKeys()
  for (const [flags, codec] of [
    [32, 1],
    [64, 1],
    [128, 1],
    [0, 0],
    [0, 2],
    [0, 255],
  ] as const) {
    const envelope = await sealedByMember(keys, EnvelopeKind.update, 2, Uint8Array.of(flags, codec, 9))
    expect((await errorOf(() => openEnvelope(keys, envelope))).code).toBe('unsupported')
  }
})

it('[ENV-13] a flag where it has no meaning is malformed', async () => {
  const keys = await deriveKeys()
  const whole = new Uint8Array(64)
  const misplaced: [EnvelopeKind, number, number][] = [
    [EnvelopeKind.checkpoint, 1, 2],
    [EnvelopeKind.checkpoint, 1, 4],
    [EnvelopeKind.checkpoint, 1, 8],
    [EnvelopeKind.checkpoint, 2, 16],
    [EnvelopeKind.awareness, 1, 2],
    [EnvelopeKind.awareness, 1, 4],
    [EnvelopeKind.awareness, 1, 8],
    [EnvelopeKind.witness, 2, 4],
    [EnvelopeKind.witness, 2, 8],
    [EnvelopeKind.crossTab, 1, 2],
    [EnvelopeKind.update, 2, 8],
    [EnvelopeKind.update, 1, 16],
    [EnvelopeKind.update, 1, 16 | 8],
  ]
  for (const [kind, counter, flags] of misplaced) {
    const envelope = await sealedByMember(keys, kind, counter, Uint8Array.of(flags, 1, ...whole))
    const error = await errorOf(() => openEnvelope(keys, envelope, optionsOf(kind)))
    expect(error.code, `kind ${kind} counter ${counter} flags ${flags}`).toBe('malformed')
  }
})

it('[ENV-20] a birth that the body is too short for is malformed', async () => {
  const keys = await deriveKeys()
  for (const content of [[], [1], [0x80], [0x80, 0, ...new Uint8Array(32)], [1, ...new Uint8Array(31)]]) {
    const envelope = await sealedByMember(keys, EnvelopeKind.update, 1, Uint8Array.of(8, 1, ...content))
    expect((await errorOf(() => openEnvelope(keys, envelope))).code).toBe('malformed')
  }
})

it('[ENV-14] padding without its mark is malformed', async () => {
  const keys = await deriveKeys()
  for (const content of [[], [0], [0, 0, 0], [0x80, 1], [0x81], [7, 0, 0]]) {
    const envelope = await sealedByMember(keys, EnvelopeKind.update, 2, Uint8Array.of(1, 1, ...content))
    expect((await errorOf(() => openEnvelope(keys, envelope))).code).toBe('malformed')
  }
})

it('[ENV-14] a padded body may itself end like padding', async () => {
  const keys = await deriveKeys()
  const body = new Uint8Array(Buffer.concat([text('a'), paddingOf(9), paddingOf(10)]))
  expect((await openEnvelope(keys, await sealed(keys, EnvelopeKind.update, body))).body).toEqual(body)
})

it('[ENV-9] an envelope longer than one part is refused before it is decrypted', async () => {
  const keys = await deriveKeys()
  const opened: number[] = []
  const counting = {
    ...keys,
    openingKey: (...of: Parameters<EpochKeys['openingKey']>) => {
      opened.push(of[0])
      return keys.openingKey(...of)
    },
  }
  const long = new Uint8Array(19 + 2 + 256 * 1024 + 16 + 30)
  long.set(unhex('1100745cc4614c7b940913350e8cacf688c301'))
  expect((await errorOf(() => openEnvelope(counting, long))).code).toBe('malformed')
  expect(opened).toEqual([])
})

it('[ENV-12] 3,000 random byte strings (seed 1) end in typed errors', async () => {
  const keys = await deriveKeys()
  let state = 1
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  }
  for (let n = 0; n < 3000; n++) {
    const bytes = Uint8Array.from({ length: next() }, next)
    if (n % 2 === 0 && bytes.length > 0) bytes[0] = 0x10 | (next() % 8)
    const error = await errorOf(() => openEnvelope(keys, bytes, n % 3 === 0 ? { slot: 'a' } : {}))
    expect(error.fault).toBe('bytes')
  }
})
