import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { untilText } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { isGapless } from '../support/log-order.ts'
import { codesOf, nextSync, someProblem } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld({ data: 'disk' })
})
afterEach(() => world.close())

describe('M7: the relay’s log is restored from a backup', () => {
  /** One entry in the backup, one after it. Both are known to Alice and Bob. */
  async function oneBeforeAndOneAfter(): Promise<{ alice: Person; bob: Person; restore: () => Promise<void> }> {
    const alice = await world.joined('Alice', { expects: ['rollback'] })
    const bob = await world.joined('Bob', { expects: ['rollback'] })
    alice.text.insert(0, 'one ')
    await alice.provider.flush()
    await untilText(bob.doc, 'one ')
    await world.stopRelay()
    const restoreLog = world.backup()
    const back = [nextSync(alice), nextSync(bob)]
    await world.startRelay()
    await Promise.all(back)
    alice.text.insert(4, 'two ')
    await alice.provider.flush()
    await untilText(bob.doc, 'one two ')
    return {
      alice,
      bob,
      async restore() {
        await world.stopRelay()
        restoreLog()
        await world.startRelay()
      },
    }
  }

  test('live writers notice, say so once, bring back what was lost, and go on under new sealers', async () => {
    const { alice, bob, restore } = await oneBeforeAndOneAfter()
    const back = [nextSync(alice), nextSync(bob)]
    await restore()
    await Promise.all(back)
    alice.text.insert(8, 'three')
    await Promise.all([alice.provider.flush(), bob.provider.flush()])
    await untilText(bob.doc, 'one two three')
    expect(codesOf(alice)).toEqual(['rollback'])
    expect(codesOf(bob)).toEqual(['rollback'])
    expect(await world.freshText()).toBe('one two three')
    expect(isGapless(await world.log())).toBe(true)
  })

  test('the old sequences are taken by other entries before the writer is back: neither history is lost', async () => {
    const { alice, bob, restore } = await oneBeforeAndOneAfter()
    alice.wire.unplug()
    bob.wire.unplug()
    await restore()
    const carol = await world.joined('Carol')
    expect(carol.text.toString()).toBe('one ')
    // Sequence 2 again, and 3: where Alice's cursor stands, there is now another entry.
    carol.doc.getText('new').insert(0, 'x')
    await carol.provider.flush()
    carol.doc.getText('new').insert(1, 'y')
    await carol.provider.flush()
    const back = nextSync(alice)
    alice.wire.plug()
    await back
    await alice.provider.flush()
    expect(codesOf(alice)).toEqual(['rollback'])
    expect(alice.doc.getText('new').toString()).toBe('xy')
    await untilText(carol.doc, 'one two ')
    const reader = await world.joined('fresh reader')
    expect(reader.text.toString()).toBe('one two ')
    expect(reader.doc.getText('new').toString()).toBe('xy')
    expect(isGapless(await world.log())).toBe(true)
  })

  test('what was typed while the relay was away goes out after the repair', async () => {
    const { alice, bob, restore } = await oneBeforeAndOneAfter()
    alice.wire.unplug()
    bob.wire.unplug()
    alice.text.insert(8, 'typed meanwhile')
    await restore()
    const back = nextSync(alice)
    alice.wire.plug()
    await back
    await alice.provider.flush()
    expect(await world.freshText()).toBe('one two typed meanwhile')
  })

  test('the backup is older than the document itself: nothing is written to a stranger, and nothing local is lost', async () => {
    await world.stopRelay()
    const restoreLog = world.backup()
    await world.startRelay()
    const alice = await world.joined('Alice', { expects: ['rollback'] })
    alice.text.insert(0, 'all there is')
    await alice.provider.flush()
    await world.stopRelay()
    restoreLog()
    await world.startRelay()
    await someProblem(alice)
    await settle()
    expect(codesOf(alice)).toEqual(['rollback'])
    expect(alice.provider.synced).toBe(false)
    expect(alice.text.toString()).toBe('all there is')
    expect(await world.log()).toEqual([])
  })
})
