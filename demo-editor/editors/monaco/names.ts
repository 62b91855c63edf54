import type { Awareness } from 'y-protocols/awareness'
import { parsePerson } from '../../src/person.ts'

/** The binding marks carets by a class per client; names and colours are a stylesheet of ours. */
export function showNames(awareness: Awareness): void {
  const sheet = new CSSStyleSheet()
  document.adoptedStyleSheets.push(sheet)
  const render = () => {
    const rules = [...awareness.getStates()].map(([client, state]) => {
      const { name, color } = parsePerson(state.user)
      // As a CSS string: what others call themselves is not to be trusted.
      return `.yRemoteSelectionHead-${client}::after { content: ${cssString(name)}; background: ${color} }
        .yRemoteSelectionHead-${client} { border-color: ${color} }
        .yRemoteSelection-${client} { background: color-mix(in srgb, ${color} 30%, transparent) }`
    })
    sheet.replaceSync(COMMON + rules.join('\n'))
  }
  awareness.on('change', render)
  render()
}

const COMMON = `
  .yRemoteSelectionHead { position: absolute; height: 100%; border-left: 2px solid }
  .yRemoteSelectionHead::after { position: absolute; top: -1.2em; padding: 0 0.3em; color: white; font-size: 0.75rem }
`

const cssString = (text: string): string =>
  `"${[...text].map((character) => `\\${character.codePointAt(0)?.toString(16)} `).join('')}"`
