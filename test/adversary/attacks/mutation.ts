import { expect } from 'vitest'
import type { Attack } from '../attack.ts'

/** A2. Every bit of what is sealed is under its tag. */
export const mutation: Attack = {
  id: 'A2',
  title: 'bit flips, truncation, extension of an envelope',
  done: 'the relay stores, of one envelope, each byte changed, each shorter form and a longer one',
  async run(scene) {
    const ada = await scene.writer('Ada')
    const { shared } = scene.relay.room()
    const [original] = shared.entries
    if (original === undefined) throw new Error('Ada has written')
    const { envelope } = original
    const forms = [
      ...Array.from(envelope, (byte, at) => envelope.with(at, byte ^ 1)),
      ...Array.from(envelope.slice(1), (_, length) => envelope.slice(0, length + 1)),
      new Uint8Array([...envelope, 0]),
    ]
    scene.relay.room().show(
      'Bob',
      shared.retold((entry) => [...forms.map((form) => ({ ...entry, envelope: form })), entry]),
    )
    scene.strike()
    const bob = await scene.member('Bob', { expects: ['tampered'] })
    await scene.agree(ada, bob)
    expect(bob.provider.counters).toMatchObject({ tampered: forms.length, opened: 1 })
    expect(bob.wire.sockets).toHaveLength(1)
    scene.remark(`${forms.length} of ${forms.length} forms refused`)
    // The attack is over: what Bob writes goes into the history that he was shown.
    scene.relay.room().show('Bob', undefined)
  },
}
