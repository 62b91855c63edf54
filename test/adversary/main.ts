import { notPlayed } from './attacks/not-played.ts'
import { playDefended, playUndefended } from './play-rows.ts'
import { table } from './table.ts'
import { switches } from './undefended/all-switches.ts'
import { firstLine, verdictOf } from './verdict.ts'

/** `[--undefended] [ID …]`. Exit code 1: an attack succeeded, or one succeeded not where it should. */
export async function main(args: readonly string[]): Promise<number> {
  const ids = args.filter((arg) => arg !== '--undefended')
  const known = new Set(switches.map(({ id }) => id))
  const unknown = ids.filter((id) => !known.has(id))
  if (unknown.length > 0) {
    console.error(`no such attack: ${unknown.join(', ')}; there are ${[...known].join(', ')}`)
    return 1
  }
  return args.includes('--undefended') ? undefended(ids) : defended(ids)
}

async function defended(ids: readonly string[]): Promise<number> {
  const all = await playDefended(ids.length === 0 ? switches.map(({ id }) => id) : ids)
  const played = all.filter(({ outcome, isStopped }) => outcome !== undefined || !isStopped)
  const rows = played.map(({ id, title, outcome, isStopped, message = '' }) => [
    id,
    outcome?.done ?? title,
    outcome?.noticed ?? firstLine(message),
    outcome?.after ?? '',
    outcome?.lost ?? '?',
    isStopped ? 'holds' : 'BROKEN',
  ])
  console.log(table(['attack', 'what was done', 'what was noticed', 'after', 'lost', 'verdict'], rows))
  const elsewhere = notPlayed.map(({ id, why, test = '' }) => [id, why, test])
  if (ids.length === 0) console.log(`\nNot played:\n${table(['attack', 'why', 'tested in'], elsewhere)}`)
  const failed = played.filter(({ isStopped }) => !isStopped)
  console.log(`\n${played.length} attacks, ${failed.length} succeeded`)
  return failed.length === 0 && played.length > 0 ? 0 : 1
}

async function undefended(ids: readonly string[]): Promise<number> {
  const chosen = ids.length === 0 ? switches : switches.filter(({ id }) => ids.includes(id))
  const played = await playUndefended(chosen)
  const verdicts = chosen.map((each) => ({
    ...each,
    ...verdictOf(
      each,
      played.filter(({ id }) => id === each.id),
    ),
  }))
  const rows = verdicts.map(({ id, defence, says, isRed }) => [id, defence, says, isRed ? 'red' : 'NOT RED'])
  console.log(table(['attack', 'switched off', 'what the story says then', 'verdict'], rows))
  const wrong = verdicts.filter(({ isRed }) => !isRed)
  console.log(`\n${verdicts.length} defences switched off, ${wrong.length} of them not missed`)
  return wrong.length === 0 ? 0 : 1
}
