import * as Y from 'yjs'
import { storeFalseCheckpoint } from '../../support/false-checkpoint.ts'
import type { Attack } from '../attack.ts'

const INCOMPLETE = ['checkpoint-incomplete']

/** D11. A checkpoint is compared with the log by somebody who knows it, and what it lacks is published again. */
export const falseCheckpoint: Attack = {
  id: 'D11',
  title: 'a checkpoint that leaves something out',
  done: 'a member seals, as the state of the whole log, what there was before Ada’s last words; a newcomer begins with it',
  relay: 'ours',
  async run(scene) {
    const ada = await scene.writer('Ada', { expects: INCOMPLETE })
    const before = Y.encodeStateAsUpdate(ada.doc)
    await scene.write(ada)
    scene.strike()
    await storeFalseCheckpoint(scene.world, { update: before })
    const carol = await scene.member('Carol', { expects: INCOMPLETE })
    await scene.notices(ada, 'checkpoint-incomplete')
    await scene.agree(ada, carol, await scene.member('Dave', { expects: INCOMPLETE }))
  },
}
