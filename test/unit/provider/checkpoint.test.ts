import {
  type CheckpointManifest,
  checkpointHash,
  createSealer,
  deriveEpochKeys,
  EnvelopeKind,
  type EpochKeys,
  encodeCheckpointBody,
  parseDocumentKey,
} from '@y-sealed/envelope'
import { systemClock } from '@y-sealed/key-client'
import { parseHeader } from '@y-sealed/protocol/header'
import { describe, expect, it } from 'vitest'
import { openCheckpoint, openManifest } from '../../../packages/provider/src/checkpoint/open-checkpoint.ts'
import { sealCheckpoint } from '../../../packages/provider/src/checkpoint/seal-checkpoint.ts'

/** What one chunk carries. */
const CHUNK_BYTES = 256 * 1024

const manifest: CheckpointManifest = {
  sequence: 41,
  hash: new Uint8Array(32).fill(1),
  previous: new Uint8Array(32).fill(2),
  digest: new Uint8Array(32).fill(3),
  unixMs: Date.UTC(2030, 0, 1),
}

function keysOf(nonce: number): Promise<EpochKeys> {
  return deriveEpochKeys(parseDocumentKey('a-key-that-nobody-guesses-0123456789'), {
    documentId: 'doc',
    keyHint: '',
    suite: 1,
    stretch: 0,
    nonce: new Uint8Array(16).fill(nonce),
    ext: new Uint8Array(0),
  })
}

/** Bytes in which no stretch is like another. */
function text(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + (at >> 8) * 7) & 0xff)
}

async function sealed(bytes: number, padding = true) {
  const keys = await keysOf(0)
  const update = text(bytes)
  return {
    keys,
    update,
    ...(await sealCheckpoint({ keys, epochIndex: 3, padding, clock: systemClock, manifest, update })),
  }
}

describe('a checkpoint', () => {
  for (const padding of [true, false]) {
    for (const bytes of [1, CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES]) {
      it(`of ${bytes} B, padding ${padding}, opens to what was sealed`, async () => {
        const { keys, update, chunks, hash } = await sealed(bytes, padding)
        const opened = await openCheckpoint(keys, 3, chunks, hash)
        expect(opened.manifest).toEqual(manifest)
        expect(Buffer.compare(opened.update, update)).toBe(0)
      })
    }
  }

  // What is sealed in front of the update.
  const headBytes = encodeCheckpointBody(manifest, text(1))[0].length
  it.each([1, 3, 33])(
    'whose content fills %i chunks exactly does, with its padding in a chunk of its own',
    async (count) => {
      const { keys, update, chunks, hash } = await sealed(count * CHUNK_BYTES - headBytes)
      expect(chunks.length).toBe(count + 1)
      const opened = await openCheckpoint(keys, 3, chunks, hash)
      expect(Buffer.compare(opened.update, update)).toBe(0)
    },
  )

  it('of 20 MB does too', async () => {
    const { keys, update, chunks, hash } = await sealed(20_000_000)
    expect(chunks.length).toBeGreaterThan(76)
    expect(Buffer.compare((await openCheckpoint(keys, 3, chunks, hash)).update, update)).toBe(0)
  })

  it('is over the limit with 64 MiB, before anything is copied', async () => {
    const keys = await keysOf(0)
    const update = new Uint8Array(64 * 1024 * 1024 + 1)
    const sealing = sealCheckpoint({ keys, epochIndex: 3, padding: true, clock: systemClock, manifest, update })
    await expect(sealing).rejects.toMatchObject({ code: 'limit', where: 'checkpoint' })
  })

  it('has a salt of its own at each attempt', async () => {
    const keys = await keysOf(0)
    const attempt = () =>
      sealCheckpoint({ keys, epochIndex: 3, padding: true, clock: systemClock, manifest, update: text(10) })
    const salts = (await Promise.all([attempt(), attempt()])).map(({ chunks }) =>
      Buffer.from(parseHeader(chunks[0] ?? new Uint8Array()).salt).toString('hex'),
    )
    expect(new Set(salts).size).toBe(2)
  })

  it('that does not open to what was sealed never leaves', async () => {
    const keys = await keysOf(0)
    const forgetful: EpochKeys = {
      ...keys,
      openingKey: async (kind, salt) => {
        const key = await keys.openingKey(kind, salt)
        return {
          open: async (nonce, aad, ciphertext) => {
            const plaintext = await key.open(nonce, aad, ciphertext)
            plaintext?.fill(0, 40, 60)
            return plaintext
          },
        }
      },
    }
    const sealing = sealCheckpoint({
      keys: forgetful,
      epochIndex: 3,
      padding: true,
      clock: systemClock,
      manifest,
      update: text(500),
    })
    await expect(sealing).rejects.toMatchObject({ code: 'internal', where: 'checkpoint' })
  })

  it('tells from its first chunk alone what it covers, whether more follow or not', async () => {
    for (const bytes of [10, 2 * CHUNK_BYTES]) {
      const { keys, chunks } = await sealed(bytes)
      const [first = new Uint8Array()] = chunks
      expect(await openManifest(keys, 3, first, chunks.length === 1)).toEqual(manifest)
      await expect(openManifest(keys, 3, first, chunks.length > 1)).rejects.toMatchObject({ code: 'tampered' })
    }
    const { keys, chunks } = await sealed(3 * CHUNK_BYTES)
    await expect(openManifest(keys, 3, chunks[1] ?? new Uint8Array(), false)).rejects.toMatchObject({
      code: 'tampered',
    })
  })

  it('lets an engine that fails be told from bytes that do not open', async () => {
    const { keys, chunks, hash } = await sealed(10)
    const broken = { ...keys, openingKey: () => Promise.reject(new Error('engine failed')) }
    await expect(openCheckpoint(broken, 3, chunks, hash)).rejects.toThrow('engine failed')
    keys.forget()
    await expect(openCheckpoint(keys, 3, chunks, hash)).rejects.toMatchObject({ code: 'caller' })
  })
})

describe('a hostile relay has no checkpoint to offer but the one that the record names:', () => {
  const hostile: Array<[string, (chunks: Uint8Array[]) => Uint8Array[]]> = [
    ['one chunk fewer', (chunks) => chunks.slice(0, -1)],
    ['none at all', () => []],
    ['one twice', ([first = new Uint8Array(), ...rest]) => [first, first, ...rest]],
    ['another order', (chunks) => chunks.toReversed()],
    ['one bit flipped', (chunks) => chunks.map((chunk, at) => (at === 1 ? flipped(chunk) : chunk))],
  ]
  for (const [what, change] of hostile) {
    it(`${what} is not it, and not even its own hash helps`, async () => {
      const { keys, chunks, hash } = await sealed(3 * CHUNK_BYTES)
      const changed = change(chunks)
      await expect(openCheckpoint(keys, 3, changed, hash)).rejects.toMatchObject({ code: 'tampered' })
      await expect(openCheckpoint(keys, 3, changed, checkpointHash(changed))).rejects.toMatchObject({
        code: 'tampered',
        where: 'checkpoint',
      })
    })
  }

  it('the same member sealed another one: its hash is another', async () => {
    const { keys, hash } = await sealed(10)
    const other = await sealed(10)
    await expect(openCheckpoint(keys, 3, other.chunks, hash)).rejects.toMatchObject({ code: 'tampered' })
  })

  it('a chunk of another attempt in the middle does not fit', async () => {
    const [mine, other] = await Promise.all([sealed(3 * CHUNK_BYTES), sealed(3 * CHUNK_BYTES)])
    const spliced = mine.chunks.map((chunk, at) => (at === 1 ? (other.chunks[1] ?? chunk) : chunk))
    await expect(openCheckpoint(mine.keys, 3, spliced, checkpointHash(spliced))).rejects.toMatchObject({
      code: 'tampered',
    })
  })

  it('one of another epoch does not open', async () => {
    const { chunks, hash } = await sealed(10)
    await expect(openCheckpoint(await keysOf(1), 3, chunks, hash)).rejects.toMatchObject({ code: 'tampered' })
    await expect(openCheckpoint(await keysOf(0), 4, chunks, hash)).rejects.toMatchObject({ code: 'tampered' })
  })

  it('an update is not a checkpoint, whatever it says', async () => {
    const keys = await keysOf(0)
    const sealer = await createSealer(keys, { epochIndex: 3, wire: false })
    const chunks = await sealer.seal(EnvelopeKind.update, encodeCheckpointBody(manifest, text(10)))
    await expect(openCheckpoint(keys, 3, chunks, checkpointHash(chunks))).rejects.toMatchObject({ code: 'tampered' })
    await expect(openManifest(keys, 3, chunks[0] ?? new Uint8Array(), false)).rejects.toMatchObject({
      code: 'tampered',
    })
  })

  it('a body that is no checkpoint body does not parse', async () => {
    const keys = await keysOf(0)
    const sealer = await createSealer(keys, { epochIndex: 3, wire: false })
    const chunks = await sealer.seal(EnvelopeKind.checkpoint, text(20))
    await expect(openCheckpoint(keys, 3, chunks, checkpointHash(chunks))).rejects.toMatchObject({ code: 'tampered' })
  })
})

function flipped(chunk: Uint8Array): Uint8Array {
  const copy = chunk.slice()
  copy[100] = (copy[100] ?? 0) ^ 1
  return copy
}
