import type { Down, Entries, Entry } from '@y-sealed/protocol'
import { PROBLEMS, type ProblemCode, type SealedProvider } from 'y-sealed'
import { say } from '../messages/words.ts'
import { TEXT_FIELD } from '../text-schema.ts'
import { alter, drop, replay, rollBack, swap } from './lies.ts'
import type { Liar, Lie } from './lying-socket.ts'
import type { Robin } from './robin.ts'

export const ATTACKS = ['alter', 'drop', 'replay', 'swap', 'rollback'] as const
export type Attack = (typeof ATTACKS)[number]

export interface Verdict {
  /** What the editor noticed; empty where there was nothing to notice. */
  readonly noticed: readonly ProblemCode[]
  /** Afterwards the text is what it would be had nobody lied. */
  readonly isWhole: boolean
}

/** What waits behind a missing entry is given ten seconds to come; then the editor says so. */
const NOTICE_WITHIN_MS = 16_000
const WHOLE_WITHIN_MS = 20_000
const LOOK_EVERY_MS = 200

export interface Scene {
  readonly provider: SealedProvider
  readonly liar: Liar
  readonly robin: Robin
}

/** Lies once in the given way, waits for what the editor says, then is honest again and waits for the text to be whole. */
export async function play(attack: Attack, { provider, liar, robin }: Scene): Promise<Verdict> {
  const before = { ...provider.counters }
  const noticed = () =>
    (Object.keys(PROBLEMS) as ProblemCode[]).filter((code) => (provider.counters[code] ?? 0) > (before[code] ?? 0))
  try {
    await LIES[attack]({ provider, liar, robin })
    await until(() => noticed().length > 0, NOTICE_WITHIN_MS)
  } finally {
    liar.lie = undefined
    liar.cut()
  }
  const said = noticed()
  const isWhole = () => provider.synced && provider.doc.getXmlFragment(TEXT_FIELD).toString() === robin.text()
  await until(isWhole, WHOLE_WITHIN_MS)
  return { noticed: said, isWhole: isWhole() }
}

const LIES: Record<Attack, (scene: Scene) => Promise<void>> = {
  async alter({ liar, robin }) {
    liar.lie = fromNextOn(alter)
    await robin.write(say('break.line'))
  },
  async drop({ liar, robin }) {
    liar.lie = fromNextOn(drop)
    await robin.write(say('break.line'))
    await robin.write(say('break.second-line'))
  },
  async replay({ liar, robin }) {
    const [old] = await overheard(liar, robin, 'break.line')
    liar.lie = fromNextOn((target) => replay(target, old))
    await robin.write(say('break.second-line'))
  },
  async swap({ liar, robin }) {
    liar.lie = swapNextTwo()
    await robin.write(say('break.line'))
    await robin.write(say('break.second-line'))
  },
  async rollback({ liar, robin }) {
    const [, message] = await overheard(liar, robin, 'break.line')
    liar.lie = rollBack({ sequence: message.first - 1, hash: message.hashBefore })
    liar.cut()
  },
}

/** Begins with the next entry that comes. */
function fromNextOn(lieAbout: (sequence: number) => Lie): Lie {
  let begun: Lie | undefined
  return {
    hears: () => true,
    down(message: Down) {
      if (message.type === 'entries') begun ??= lieAbout(message.first)
      return begun?.down(message) ?? [message]
    },
  }
}

/** Keeps the next entry back until the one behind it is there. */
function swapNextTwo(): Lie {
  const kept: Entry[] = []
  let first: Entries | undefined
  let begun: Lie | undefined
  return {
    hears: () => true,
    down(message) {
      if (begun !== undefined) return begun.down(message)
      if (message.type !== 'entries') return [message]
      first ??= message
      kept.push(...message.entries)
      const [one, other] = kept
      if (one === undefined || other === undefined) return []
      begun = swap(first.first, [one, other])
      return begun.down({ ...first, entries: kept })
    },
  }
}

/** An honest delivery, remembered. */
async function overheard(liar: Liar, robin: Robin, line: 'break.line'): Promise<[Entry, Entries]> {
  const delivered = new Promise<[Entry, Entries]>((resolve) => {
    liar.lie = {
      hears: () => true,
      down(message) {
        const [entry] = message.type === 'entries' ? message.entries : []
        if (message.type === 'entries' && entry !== undefined) resolve([entry, message])
        return [message]
      },
    }
  })
  await robin.write(say(line))
  return delivered
}

/** Resolves when it is so, or when the time is over. */
function until(isSo: () => boolean, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = performance.now() + withinMs
    const look = () => {
      if (isSo() || performance.now() > end) resolve()
      else setTimeout(look, LOOK_EVERY_MS)
    }
    look()
  })
}
