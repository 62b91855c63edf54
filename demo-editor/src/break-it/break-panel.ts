import type { SealedProvider } from 'y-sealed'
import type { Access } from '../access.ts'
import { onPress, setAvailable } from '../availability.ts'
import { create, element } from '../element.ts'
import { say } from '../messages/words.ts'
import { wordsFor } from '../problem-notes.ts'
import type { SidePanel } from '../side-panels.ts'
import { ATTACKS, type Attack, play, type Verdict } from './attack.ts'
import type { Liar } from './lying-socket.ts'
import { inviteRobin } from './robin.ts'

export interface Stage {
  readonly provider: SealedProvider
  readonly liar: Liar
  /** Of the attack before. */
  closeNotes(): void
}

/** Where the visitor is the relay, and lies. */
export function setUpBreakPanel(stage: Stage, access: Access, documentName: string): SidePanel {
  const { provider, liar, closeNotes } = stage
  const rows = ATTACKS.map((attack) => attackRow(attack))
  const attackAs = async ({ attack, verdict }: AttackRow) => {
    closeNotes()
    for (const { button } of rows) setAvailable(button, false)
    verdict.replaceChildren(say('break.running'))
    try {
      if (!provider.synced || !provider.canWrite) throw new Error('not connected')
      const robin = await inviteRobin(documentName, access)
      try {
        verdict.replaceChildren(...verdictText(await play(attack, { provider, liar, robin })))
      } finally {
        await robin.leave()
      }
    } catch {
      verdict.replaceChildren(say('break.failed'))
    }
    for (const { button } of rows) setAvailable(button, true)
  }
  for (const row of rows) onPress(row.button, () => void attackAs(row))
  element('attacks', HTMLUListElement).replaceChildren(...rows.map(({ item }) => item))
  return {}
}

interface AttackRow {
  readonly attack: Attack
  readonly item: HTMLLIElement
  readonly button: HTMLButtonElement
  readonly verdict: HTMLElement
}

function attackRow(attack: Attack): AttackRow {
  const button = create('button', 'button', say(`break.${attack}`))
  button.type = 'button'
  button.id = `attack-${attack}`
  const explained = create('p', 'attack-does', say(`break.${attack}.does`))
  explained.id = `attack-${attack}-does`
  button.setAttribute('aria-describedby', explained.id)
  const verdict = create('div', 'verdict')
  verdict.setAttribute('role', 'status')
  return { attack, item: create('li', 'attack', button, explained, verdict), button, verdict }
}

function verdictText({ noticed, isWhole }: Verdict): HTMLElement[] {
  const said = noticed.map((code) => create('p', 'said', wordsFor({ code }, false), ' ', create('code', '', code)))
  return [
    ...(said.length > 0
      ? [create('h3', '', say('break.said')), ...said]
      : [create('p', '', say('break.nothing-to-say'))]),
    create('p', isWhole ? 'whole' : 'not-whole', say(isWhole ? 'break.whole' : 'break.not-whole')),
  ]
}
