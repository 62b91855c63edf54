import { createSealer, deriveEpochKeys, EnvelopeKind, parseDocumentKey } from '@y-sealed/envelope'
import { systemClock } from '@y-sealed/key-client'
import { expect, it } from 'vitest'
import { sealCheckpoint } from '../../../packages/provider/src/checkpoint/seal-checkpoint.ts'
import { answersDuring } from '../../support/impatient-user.ts'

const MB = 1024 * 1024
const HASH = new Uint8Array(32)

const keys = await deriveEpochKeys(parseDocumentKey('a-key-that-nobody-guesses-0123456789'), {
  documentId: 'doc',
  keyHint: '',
  suite: 1,
  stretch: 0,
  nonce: new Uint8Array(16),
  ext: new Uint8Array(0),
})

it('a page that seals a checkpoint of sixteen megabytes answers its user all the while', async () => {
  const manifest = { sequence: 1, hash: HASH, previous: undefined, digest: HASH, unixMs: 1 }
  const update = new Uint8Array(16 * MB)
  const checkpoint = { keys, epochIndex: 0, padding: true, clock: systemClock, manifest, update }
  // Sealing and opening take a turn for each megabyte.
  expect(await answersDuring(() => sealCheckpoint(checkpoint))).toBeGreaterThanOrEqual(2 * 16)
})

it('and so does one that seals a large import; a sealer that is let go meanwhile completes it', async () => {
  const sealer = await createSealer(keys, { epochIndex: 0, wire: false })
  const answers = await answersDuring(async () => {
    const sealing = sealer.seal(EnvelopeKind.update, new Uint8Array(8 * MB))
    sealer.retire()
    await sealing
  })
  expect(answers).toBeGreaterThanOrEqual(8 - 1)
})
