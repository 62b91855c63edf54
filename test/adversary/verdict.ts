import { NOT_LOADED, type Played } from './play-rows.ts'
import type { SwitchOff } from './undefended/switch-off.ts'

export interface Verdict {
  readonly isRed: boolean
  readonly says: string
}

/** What was played without a defence, against what is then to be seen: the attack succeeds, for the reason that its switch names. */
export function verdictOf({ red, isVital }: Pick<SwitchOff, 'red' | 'isVital'>, played: readonly Played[]): Verdict {
  const broken = played.find(({ isBroken }) => isBroken)
  if (broken !== undefined && (isVital === undefined || broken.title === NOT_LOADED))
    return { isRed: false, says: `nothing works without it: ${firstLine(broken.message ?? '')}` }
  const story = played.find(({ isControl }) => !isControl)
  if (story === undefined) return { isRed: false, says: 'the story did not come to its end' }
  const { isStopped, message = '' } = story
  if (isStopped) return { isRed: false, says: 'the attack is stopped all the same' }
  const isRed = red.test(message)
  return { isRed, says: isRed ? firstLine(message) : `red for another reason: ${firstLine(message)}` }
}

/** Of a message, what a table has room for. */
export function firstLine(message: string): string {
  const [line = ''] = message.split('\n')
  return line.length > 160 ? `${line.slice(0, 159)}…` : line
}
