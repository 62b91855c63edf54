import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyServer } from '@y-sealed/key-endpoint'
import { afterEach, describe, expect, it } from 'vitest'
import { type KeyAnswer, type KeySource, keyEndpoint } from 'y-sealed'
import { untilEqual } from '../support/convergence.ts'
import { until, untilTrue } from '../support/events.ts'
import { settle } from '../support/fake-clock.ts'
import { forgetting } from '../support/key-sources.ts'
import { codesOf, someProblem } from '../support/steps.ts'
import { type Person, startWorld, type World } from '../support/world.ts'

let world: World
afterEach(() => world.close())

const indexOf = ({ provider }: Person) => provider.epoch?.index

describe('a document whose newest key is lost at the endpoint', () => {
  it('is rescued by a live member, who still has it: rotateKey() and nothing else', async () => {
    world = await startWorld()
    const lost = new Set<string>()
    const keys = forgetting(world.keys, lost)
    const ada = await world.joined('ada', { keys })
    ada.text.insert(0, 'kept in memory')
    await ada.provider.flush()
    lost.add(ada.provider.epoch?.keyHint ?? '')
    const locked = world.person('locked', { keys, expects: ['key-unknown'] })
    await someProblem(locked)
    await ada.provider.rotateKey()
    await locked.provider.whenSynced
    expect(locked.text.toString()).toBe('kept in memory')
  })

  it('is rescued by somebody who never had it: replace follows the last epoch whose key can be had', async () => {
    world = await startWorld()
    const lost = new Set<string>()
    const keys = forgetting(world.keys, lost)
    const ada = await world.joined('ada', { keys })
    ada.text.insert(0, 'readable')
    await ada.provider.flush()
    await ada.provider.rotateKey()
    ada.text.insert(8, ', lost')
    await ada.provider.flush()
    lost.add(ada.provider.epoch?.keyHint ?? '')
    ada.provider.destroy()

    const bob = world.person('bob', { keys, expects: ['key-unknown'] })
    bob.text.insert(0, '(typed while locked) ')
    await someProblem(bob)
    const epoch = await bob.provider.rotateKey({ replace: true })
    expect(epoch.index).toBe(2)
    await bob.provider.flush()
    expect(bob.text.toString()).toContain('readable')
    expect(bob.text.toString()).not.toContain('lost')
    const cyd = await world.joined('cyd', { keys })
    expect(cyd.text.toString()).toBe(bob.text.toString())
    expect(cyd.text.toString()).toContain('(typed while locked)')
  })

  it('and replaced while a member who has the lost key is away: on coming back it brings what the others lack', async () => {
    world = await startWorld()
    const lost = new Set<string>()
    const ada = await world.joined('ada')
    ada.text.insert(0, 'readable')
    await ada.provider.flush()
    await ada.provider.rotateKey()
    ada.text.insert(8, ', and kept by ada')
    await ada.provider.flush()
    lost.add(ada.provider.epoch?.keyHint ?? '')
    ada.wire.unplug()
    ada.text.insert(0, 'offline, ')

    const keys = forgetting(world.keys, lost)
    const bob = world.person('bob', { keys, expects: ['key-unknown'] })
    await someProblem(bob)
    await bob.provider.rotateKey({ replace: true })
    ada.wire.plug()
    await untilTrue(ada.provider, 'epoch', () => indexOf(ada) === 2, 'ada to adopt the epoch')
    await untilEqual([ada.doc, bob.doc])
    await ada.provider.flush()
    expect(await world.freshText()).toBe('offline, readable, and kept by ada')
  })

  it('is not given up while its key is merely refused to the one who asks', async () => {
    world = await startWorld({
      access: (who, purpose) => (who === 'out' && purpose !== 'create' ? undefined : 'write'),
    })
    const ada = await world.joined('ada')
    ada.text.insert(0, 'kept')
    await ada.provider.flush()
    const out = world.person('out', { keys: world.keysAs('out'), expects: ['key-refused'] })
    await someProblem(out)
    const wish = out.provider.rotateKey({ replace: true })
    await settle()
    expect(ada.provider.epoch?.index).toBe(0)
    out.provider.destroy()
    await expect(wish).rejects.toMatchObject({ code: 'destroyed' })
  })

  it('a member who waits for the lost key goes on with the epoch that takes its place', async () => {
    world = await startWorld()
    const lost = new Set<string>()
    const keys = forgetting(world.keys, lost)
    const waiting = await world.joined('waiting', { keys, expects: ['key-unknown'] })
    waiting.text.insert(0, 'before ')
    await waiting.provider.flush()
    const ada = await world.joined('ada', {
      keys: async (request, options) => {
        const answer = (await world.keys(request, options)) as KeyAnswer
        if (request.after !== undefined && typeof answer.keyHint === 'string') lost.add(answer.keyHint)
        return answer
      },
    })
    const isLocked = until(waiting.provider, 'key-unknown')
    await ada.provider.rotateKey()
    ada.text.insert(7, 'in the lost epoch ')
    await ada.provider.flush()
    await isLocked
    ada.provider.destroy()
    const cyd = world.person('cyd', { keys, expects: ['key-unknown'] })
    await someProblem(cyd)
    await cyd.provider.rotateKey({ replace: true })
    await untilTrue(waiting.provider, 'epoch', () => indexOf(waiting) === 2, 'the one who waits to go on')
    waiting.text.insert(0, 'after ')
    await waiting.provider.flush()
    expect(await world.freshText()).toBe(waiting.text.toString())
  })
})

describe('a relay that shows another document than the one that a device knows', () => {
  it('is not mixed with it until a person decides; force brings everything that the device holds', async () => {
    world = await startWorld({ data: 'disk' })
    const ada = await world.joined('ada', { expects: ['rollback'] })
    ada.text.insert(0, 'all that ada holds')
    await ada.provider.flush()
    await ada.provider.rotateKey()
    ada.text.insert(0, 'and more: ')
    await ada.provider.flush()
    const held = ada.text.toString()
    await world.stopRelay()
    world.wipeRelay()
    const noticed = until(ada.provider, 'rollback')
    await world.startRelay()
    await noticed
    ada.text.insert(0, 'typed while held, ')
    expect(ada.provider.synced).toBe(false)
    await expect(ada.provider.flush()).rejects.toMatchObject({ code: 'rollback' })
    expect(await world.log()).toEqual([])
    const epoch = await ada.provider.rotateKey({ force: true })
    expect(epoch.index).toBe(2)
    await ada.provider.flush()
    expect(await world.freshText()).toBe(`typed while held, ${held}`)
  })

  it('an old backup of it: whoever holds the newer epoch is held until one of them decides, and then all go on', async () => {
    world = await startWorld({ data: 'disk' })
    const ada = await world.joined('ada', { expects: ['rollback'] })
    ada.text.insert(0, 'first ')
    await ada.provider.flush()
    await world.stopRelay()
    const restore = world.backup()
    await world.startRelay()
    const bob = await world.joined('bob', { expects: ['rollback'] })
    await untilTrue(ada.provider, 'sync', () => ada.provider.synced, 'ada to be back')
    await ada.provider.rotateKey()
    bob.text.insert(0, 'second ')
    await bob.provider.flush()
    await untilEqual([ada.doc, bob.doc])
    await world.stopRelay()
    restore()
    const held = [until(ada.provider, 'rollback'), until(bob.provider, 'rollback')]
    await world.startRelay()
    await Promise.all(held)
    await ada.provider.rotateKey({ force: true })
    await untilTrue(bob.provider, 'epoch', () => indexOf(bob) === 2, 'bob to go on')
    bob.text.insert(0, 'third ')
    await bob.provider.flush()
    await untilEqual([ada.doc, bob.doc])
    expect(await world.freshText()).toBe('third second first ')
    expect(codesOf(bob)).toEqual(['rollback'])
  })
})

describe('a key endpoint that is restored from a backup', () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })
  const folder = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'y-sealed-keys-'))
    folders.push(path)
    return path
  }
  const quiet = { info: () => {}, warn: () => {}, error: () => {} }

  it('has lost the newest key: a live member rotates away from it, and no number of a key comes twice', async () => {
    world = await startWorld()
    const [data, copy] = [folder(), folder()]
    let server = await createKeyServer({ data, port: 0, log: quiet })
    const numbers: number[] = []
    const keys: KeySource = async (request, options) => {
      const answer = (await keyEndpoint(server.url)(request, options)) as KeyAnswer
      if (answer.epoch !== undefined && !numbers.includes(answer.epoch)) numbers.push(answer.epoch)
      world.keepSecret(answer.key)
      return answer
    }
    const ada = await world.joined('ada', { keys })
    ada.text.insert(0, 'before the backup, ')
    await ada.provider.flush()
    await server.close()
    cpSync(data, copy, { recursive: true })
    server = await createKeyServer({ data, port: 0, log: quiet })
    await ada.provider.rotateKey()
    ada.text.insert(0, 'after it, ')
    await ada.provider.flush()
    await server.close()

    server = await createKeyServer({ data: copy, port: 0, log: quiet })
    const locked = world.person('locked', { keys, expects: ['key-unknown'] })
    await someProblem(locked)
    await ada.provider.rotateKey()
    await locked.provider.whenSynced
    expect(locked.text.toString()).toBe('after it, before the backup, ')
    expect(numbers).toHaveLength(3)
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    for (const { provider } of [ada, locked]) provider.destroy()
    await server.close()
  })
})
