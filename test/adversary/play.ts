import type { Attack } from './attack.ts'
import type { Outcome } from './outcome.ts'
import { Scene } from './scene.ts'

/** Plays an attack to its end. Throws where it succeeded, unnoticed or otherwise. */
export async function play(attack: Attack): Promise<Outcome> {
  const scene = await Scene.open(attack)
  try {
    await attack.run(scene)
    scene.checkNothingLost()
  } catch (error) {
    // What went wrong first is what is told.
    await scene.close().catch(() => {})
    throw error
  }
  await scene.close()
  return scene.outcome(attack)
}

/** What every attack is beside: an honest relay, two members who write to each other, and a third who comes later. */
export async function playHonestly(): Promise<void> {
  await play({
    id: '-',
    title: 'nothing',
    done: 'nothing',
    async run(scene) {
      const ada = await scene.member('Ada')
      const bob = await scene.member('Bob')
      ada.provider.awareness.setLocalStateField('name', scene.world.canary('name'))
      await scene.write(ada)
      await scene.write(bob)
      await scene.agree(ada, bob)
      scene.relay.cut()
      await scene.write(bob)
      await scene.agree(ada, bob, await scene.member('Carol'))
    },
  })
}
