import {
  createSealer,
  EnvelopeKind,
  encodeAwarenessBody,
  encodeWitnessBody,
  parseEpochRecord,
} from '@y-sealed/envelope'
import { expect } from 'vitest'
import type { KeySource } from 'y-sealed'
import * as Y from 'yjs'
import { keptKeys } from '../../support/removed-member.ts'
import type { Attack } from '../attack.ts'
import type { Scene } from '../scene.ts'

const NO_PROOF = new Uint8Array(0)

/** B7. An integrator gives two documents the same key under the same hint; they still do not open each other's envelopes. */
export const documentSwap: Attack = {
  id: 'B7',
  title: 'another document in place of this one',
  done: 'the relay shows one document’s whole log as another’s, and splices its entries; both have the same key and hint',
  async run(scene) {
    const key = 'one-key-for-all-documents-0123456789'
    scene.world.keepSecret(key)
    const keys: KeySource = async () => ({ key, keyHint: 'the-hint' })
    await scene.writer('Ada', { room: 'doc-1', keys })
    const bob = await scene.writer('Bob', { room: 'doc-2', keys })
    const [first, second] = [scene.relay.room('doc-1'), scene.relay.room('doc-2')]
    scene.strike()
    // Carol is shown the other document; Dora her own one with the other's entries in it.
    second.show('Carol', first.shared.copy())
    second.show(
      'Dora',
      second.shared.retold((entry) => [...first.shared.entries, entry]),
    )
    const carol = scene.person('Carol', { room: 'doc-2', keys, expects: ['key-mismatch'] })
    await scene.until(() => carol.provider.synced || carol.problems.length > 0, 'Carol to be told something')
    expect(carol.text.toString()).toBe('')
    await scene.notices(carol, 'key-mismatch')
    const dora = await scene.member('Dora', { room: 'doc-2', keys, expects: ['tampered'] })
    await scene.notices(dora, 'tampered')
    expect(dora.provider.counters).toMatchObject({ tampered: first.shared.entries.length })
    second.show('Carol', undefined)
    scene.relay.cut('Carol')
    await scene.agree(bob, carol, dora)
  },
}

/** One envelope of each kind that travels, as members seal them: the relay has them all in its capture. */
async function oneOfEach(scene: Scene): Promise<Map<EnvelopeKind, Uint8Array>> {
  const record = scene.relay.room().shared.head?.record
  if (record === undefined) throw new Error('there is an epoch')
  const keys = await keptKeys(scene.world, record)
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'relabelled ')
  const update = Y.encodeStateAsUpdate(doc)
  const birth = { sequence: 0, hash: scene.relay.room().shared.epochs[0]?.hashes[0] as Uint8Array }
  const { index: epochIndex } = parseEpochRecord(record)
  const wire = await createSealer(keys, { epochIndex })
  const own = await createSealer(keys, { epochIndex, wire: false })
  const witness = encodeWitnessBody({
    sequence: 0,
    hash: birth.hash,
    checkpoint: undefined,
    unixMs: scene.clock.now(),
  })
  const sealed: [EnvelopeKind, Uint8Array[]][] = [
    [EnvelopeKind.update, await wire.seal(EnvelopeKind.update, update, { birth })],
    [EnvelopeKind.checkpoint, await own.seal(EnvelopeKind.checkpoint, update)],
    [EnvelopeKind.awareness, await wire.seal(EnvelopeKind.awareness, encodeAwarenessBody(scene.clock.now(), update))],
    [EnvelopeKind.witness, await wire.seal(EnvelopeKind.witness, witness)],
  ]
  return new Map(sealed.map(([kind, [envelope = NO_PROOF]]) => [kind, envelope]))
}

/** B8. The kind is in the key, in the AAD and in what is expected where. */
export const kindConfusion: Attack = {
  id: 'B8',
  title: 'one kind of envelope in place of another',
  done: 'the relay relabels updates, checkpoints, awareness and witnesses as each other: all 12 pairs by header, in the log and as awareness, and 5 by their place alone',
  async run(scene) {
    const ada = await scene.writer('Ada')
    const envelopes = await oneOfEach(scene)
    const relabelled = [...envelopes].flatMap(([kind, envelope]) =>
      [...envelopes.keys()]
        .filter((other) => other !== kind)
        .map((other) => envelope.with(0, ((envelope[0] ?? 0) & 0xf0) | other)),
    )
    const misplaced = [EnvelopeKind.checkpoint, EnvelopeKind.awareness].map((kind) => envelopes.get(kind) as Uint8Array)
    const inLog = [...relabelled, ...misplaced]
    scene.relay.room().show(
      'Bob',
      scene.relay.room().shared.retold((entry) => [...inLog.map((envelope) => ({ proof: NO_PROOF, envelope })), entry]),
    )
    scene.strike()
    const bob = await scene.member('Bob', { expects: ['tampered'] })
    expect(bob.provider.counters.tampered).toBe(inLog.length)
    expect(bob.provider.counters.opened).toBe(1)
    const { channel } = scene.relay.session('Bob')
    const asAwareness = [...relabelled, ...envelopes.values()].filter(
      (envelope) => envelope !== envelopes.get(EnvelopeKind.awareness),
    )
    for (const [i, envelope] of asAwareness.entries())
      scene.relay.session('Bob').say({ type: 'awareness', channel, session: 1_000 + i, envelope })
    await scene.until(
      () => bob.provider.counters.tampered === inLog.length + asAwareness.length,
      `all ${asAwareness.length} false awareness states to be told as tampered`,
    )
    expect(bob.text.toString()).not.toContain('relabelled')
    await scene.notices(bob, 'tampered')
    await scene.agree(ada, bob)
    scene.remark(`${inLog.length + asAwareness.length} of ${inLog.length + asAwareness.length} refused`)
  },
}
