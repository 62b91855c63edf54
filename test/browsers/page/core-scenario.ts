import { describe, expect, it } from 'vitest'
import { keyEndpoint, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'

const { relayUrl, keysUrl } = (await (await fetch('/servers')).json()) as { relayUrl: string; keysUrl: string }

const PATIENCE_MS = 15_000

/** Resolves once the condition holds, which is looked at after each update of the document and of awareness. */
function until({ doc, provider }: Person, condition: () => boolean, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS)
    const look = () => {
      if (!condition()) return
      clearTimeout(timer)
      doc.off('update', look)
      provider.awareness.off('change', look)
      provider.off('epoch', look)
      resolve()
    }
    doc.on('update', look)
    provider.awareness.on('change', look)
    provider.on('epoch', look)
    look()
  })
}

type Person = Awaited<ReturnType<typeof join>>

async function join(room: string) {
  const doc = new Y.Doc()
  // What is tested goes over the network, not from one provider of this page to the other.
  const provider = new SealedProvider(relayUrl, room, doc, { keys: keyEndpoint(keysUrl), disableBc: true })
  await provider.whenSynced
  return { doc, provider, text: doc.getText('text') }
}

describe('the core scenario', () => {
  it('two people write, one is away and comes back, the key is rotated, and whoever comes later reads it all', async () => {
    const room = `core-${crypto.randomUUID()}`
    const [alice, bob] = await Promise.all([join(room), join(room)])
    const both = (expected: string) =>
      Promise.all([alice, bob].map((one) => until(one, () => one.text.toString() === expected, `“${expected}”`)))

    alice.text.insert(0, 'Hello')
    await both('Hello')
    bob.text.insert(5, ', Alice. ')
    await both('Hello, Alice. ')
    alice.provider.awareness.setLocalStateField('user', { name: 'Alice' })
    const { clientID } = alice.doc
    await until(bob, () => bob.provider.awareness.getStates().get(clientID)?.user?.name === 'Alice', 'Alice to be seen')

    bob.provider.disconnect()
    bob.text.insert(14, 'Offline. ')
    alice.text.insert(0, '> ')
    await alice.provider.flush()
    expect(bob.provider.hasUnsyncedChanges).toBe(true)
    bob.provider.connect()
    await both('> Hello, Alice. Offline. ')

    const { index, fingerprint } = await alice.provider.rotateKey()
    expect(index).toBe(1)
    await until(bob, () => bob.provider.epoch?.fingerprint === fingerprint, 'the new key')
    bob.text.insert(25, 'x'.repeat(100_000))
    await both(`> Hello, Alice. Offline. ${'x'.repeat(100_000)}`)
    await bob.provider.flush()

    const carol = await join(room)
    expect(carol.text.toString()).toBe(bob.text.toString())
    const past = await carol.provider.openEpoch(0)
    expect(past.getText('text').toString()).toBe('> Hello, Alice. Offline. ')
    for (const { provider } of [alice, bob, carol]) provider.destroy()
  })
})
