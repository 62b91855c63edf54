import { expect } from 'vitest'
import type { Attack } from '../attack.ts'

/** C5. The relay stores one epoch after another by compare-and-set; who comes too late takes the winner's. */
export const creationRace: Attack = {
  id: 'C5',
  title: 'everybody creates and rotates at once',
  done: 'six members who have typed open a document that nobody has opened, in one moment; later all six rotate its key',
  relay: 'ours',
  async run(scene) {
    const six = Array.from({ length: 6 }, (_, i) => scene.person(`Member ${i}`, { connect: false }))
    for (const person of six) scene.type(person)
    scene.strike()
    for (const { provider } of six) provider.connect()
    for (const { provider, name } of six) await scene.pass(provider.whenSynced, `${name} to be synced`)
    expect(await scene.world.records(), 'several beginnings of one document').toHaveLength(1)
    await scene.agree(...six)
    await scene.pass(Promise.all(six.map(({ provider }) => provider.rotateKey())), 'the rotation')
    expect(await scene.world.records(), 'several epochs in place of one').toHaveLength(2)
    for (const person of six) await scene.write(person)
    await scene.agree(...six, await scene.member('Newcomer'))
    scene.remark('one beginning, one rotation')
  },
}
