import { type Entry, MAX_PROOF_BYTES } from '@y-sealed/protocol'
import { EnvelopeKind, encodeHeader } from '@y-sealed/protocol/header'
import { expect, it } from 'vitest'
import { encodeRunBody, parseRunBody } from '../../../server/relay/src/log/run-body.ts'
import { newRuns } from '../../../server/relay/src/session/new-runs.ts'

const NO_PROOF = new Uint8Array(0)

function envelope(saltByte: number, counter: number, epochIndex = 0, kind: EnvelopeKind = EnvelopeKind.update) {
  const salt = new Uint8Array(16).fill(saltByte)
  return new Uint8Array(Buffer.concat([encodeHeader({ kind, epochIndex, salt, counter }), new Uint8Array(20)]))
}

const blockOf = (entries: Entry[]) => ({ count: entries.length, bytes: encodeRunBody(entries) })

function runsOf(...envelopes: Uint8Array[]) {
  return newRuns(blockOf(envelopes.map((one) => ({ proof: NO_PROOF, envelope: one }))))
}

it('consecutive counters under one salt are one run, whose body holds the very bytes', () => {
  const envelopes = [envelope(1, 5), envelope(1, 6, 0, EnvelopeKind.witness), envelope(1, 7)]
  const runs = runsOf(...envelopes)
  expect(runs).toHaveLength(1)
  expect(runs[0]).toMatchObject({ epochIndex: 0, salt: new Uint8Array(16).fill(1), firstCounter: 5, count: 3 })
  expect(parseRunBody(runs[0]!.body).map((entry) => new Uint8Array(entry.envelope))).toEqual(envelopes)
})

it('another salt or another epoch begins another run', () => {
  const runs = runsOf(envelope(1, 1), envelope(2, 1), envelope(2, 2), envelope(2, 1, 1))
  expect(runs.map(({ count }) => count)).toEqual([1, 2, 1])
})

it('a counter that does not follow is out of order', () => {
  expect(() => runsOf(envelope(1, 1), envelope(1, 3))).toThrow(expect.objectContaining({ code: 'out-of-order' }))
  expect(() => runsOf(envelope(1, 1), envelope(1, 1))).toThrow(expect.objectContaining({ code: 'out-of-order' }))
})

it('what no reader could be sent is refused: a writer cannot make a log unreadable with proofs', () => {
  // Proofs are not counted as envelopes; 8,192 of them with small envelopes fill more than a frame's slack.
  const entry = (counter: number) => ({ proof: new Uint8Array(MAX_PROOF_BYTES), envelope: envelope(1, counter) })
  const entries = Array.from({ length: 8_192 }, (_, i) => entry(i + 1))
  expect(() => newRuns(blockOf(entries))).toThrow(expect.objectContaining({ code: 'limit' }))
})

it('a refusal quotes no byte of what it refuses', () => {
  const secret = Buffer.from('secret-secret-secret-secret')
  for (const bad of [secret, Buffer.concat([Uint8Array.of(0x11), secret])]) {
    try {
      runsOf(bad)
      expect.unreachable()
    } catch (error) {
      expect(String(error)).not.toMatch(/secret|736563/)
    }
  }
})

it.each([0, 1, 127, 128, 16_383, 16_384, 262_144])('a body gives back an envelope of %i bytes', (length) => {
  const entries = [
    { proof: new Uint8Array(length % 129).fill(1), envelope: new Uint8Array(length).fill(2) },
    { proof: NO_PROOF, envelope: Uint8Array.of(3) },
  ]
  expect(parseRunBody(encodeRunBody(entries)).map(({ proof, envelope }) => ({ proof, envelope }))).toEqual(entries)
})
