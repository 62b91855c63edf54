import { readFileSync } from 'node:fs'
import {
  createEpochRecord,
  deriveEpochKeys,
  type EpochKeys,
  openEnvelope,
  parseDocumentKey,
  verifyEpochRecord,
} from '@y-sealed/envelope'
import { aadOf, contextInput, nodeEngine, nonceOf } from '@y-sealed/envelope/testing'
import { encodeHeader } from '@y-sealed/protocol/header'
import { expect, it } from 'vitest'
import { sharedData } from '../../support/shared-data.ts'
import { engines, hex, parameters, strongKey, unhex } from './fixtures.ts'
import { keyStream, type Side, salamander } from './salamander.ts'

const salt = unhex('745cc4614c7b940913350e8cacf688c3')

/** The subkey of kind 1, as a member that has the document key can always derive it. */
async function subkeyOf(key: string, keys: EpochKeys): Promise<Uint8Array> {
  const utf8 = new TextEncoder()
  const context = nodeEngine.sha256(contextInput(keys.parameters))
  const root = await nodeEngine.hkdf(utf8.encode(key), utf8.encode('y-sealed/v1/epoch'), context, 32)
  const info = Uint8Array.of(...utf8.encode('y-sealed/v1/seal'), 1, ...salt)
  return nodeEngine.hkdf(root, new Uint8Array(0), info, 32)
}

it('[ENV-26] an envelope that opens under two keys needs two epochs, and no record is of both', async () => {
  // One member and the key endpoint in league: the endpoint gives Ann one key and Ben the other, for one hint.
  const [annsKey, bensKey] = [strongKey, parseDocumentKey('another-horse-battery-staple-0123456789')]
  const [ann, ben] = [await deriveEpochKeys(annsKey, parameters), await deriveEpochKeys(bensKey, parameters)]
  const [annsSubkey, bensSubkey] = [await subkeyOf(annsKey, ann), await subkeyOf(bensKey, ben)]

  // Look for a counter under which one ciphertext gives both of them flags 0 and codec 1.
  let found: { header: Uint8Array; sides: [Side, Side]; start: Uint8Array } | undefined
  for (let counter = 2; found === undefined; counter++) {
    const header = encodeHeader({ kind: 1, epochIndex: 0, salt, counter })
    const nonce = nonceOf(counter, false)
    const sides: [Side, Side] = [
      { key: annsSubkey, nonce, aad: aadOf(ann.epochId, header, undefined) },
      { key: bensSubkey, nonce, aad: aadOf(ben.epochId, header, undefined) },
    ]
    const [a, b] = [keyStream(sides[0], 16), keyStream(sides[1], 16)]
    if (a[0] !== b[0] || a[1] !== b[1]) continue
    const start = a.slice()
    start[1] = (start[1] ?? 0) ^ 1
    found = { header, sides, start }
  }
  const envelope = Uint8Array.of(...found.header, ...salamander(found.sides, found.start))
  const [annReads, benReads] = [await openEnvelope(ann, envelope), await openEnvelope(ben, envelope)]
  expect(hex(annReads.body)).not.toBe(hex(benReads.body))

  // That is why the epoch id is compared first: the record that both are shown fits one of them at most.
  for (const record of [await createEpochRecord(ann, { index: 0 }), await createEpochRecord(ben, { index: 0 })]) {
    const accepted = [await verifyEpochRecord(ann, record), await verifyEpochRecord(ben, record)]
    expect(accepted.filter(Boolean).length).toBe(1)
  }
})

const file = sharedData('salamander.json')

it.skipIf(!file).each(engines)(
  '$name opens the raw salamander with both keys: the cipher alone does not commit',
  async (engine) => {
    const known = JSON.parse(readFileSync(file!, 'utf8'))
    for (const n of [1, 2]) {
      const key = engine.sha256(new TextEncoder().encode(`salamander-key-${n}`))
      const aad = new TextEncoder().encode(known.aad_ascii)
      const opened = await (await engine.openingKey(key)).open(unhex(known.iv), aad, unhex(known.ct_and_tag))
      expect(hex(opened!)).toMatch(new RegExp(`^${known[`pt_under_key${n}_starts`]}`))
    }
  },
)
