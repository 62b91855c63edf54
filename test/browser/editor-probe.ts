import type { EditorCase } from './editor-cases.ts'

/** In the line of these words, at the edge where they begin or end. */
export interface CaretPlace {
  readonly name: string
  readonly side: 'before' | 'behind'
  readonly words: string
}

/** Looks at an editor from inside its page. */
export interface EditorProbe {
  /** What is written, line by line, without the others' carets. */
  text(): string
  /** Another's caret stands there. */
  caretStands(place: CaretPlace): boolean
}

/** Runs in the page, before its own scripts. */
export function installProbe(editor: EditorCase): void {
  // As near as the editors round and as their carets are wide.
  const NEAR_PX = 4

  const carets = `${editor.caret}, .bn-collaboration-cursor__base`

  const lines = (): Element[] => {
    const copy = document.querySelector(editor.text)?.cloneNode(true)
    if (!(copy instanceof Element)) return []
    for (const caret of copy.querySelectorAll(carets)) caret.remove()
    return [...copy.querySelectorAll('p, .cm-line, .view-line')]
  }

  /** Where the first letter of these words is, and all of them are. */
  const placesOf = (words: string): { letter: DOMRect; all: DOMRect } | undefined => {
    const root = document.querySelector(editor.text)
    if (root === null) return undefined
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      // A name that is also a word of the text.
      if (node.parentElement?.closest(carets)) continue
      const at = node.textContent?.replaceAll('\u00a0', ' ').lastIndexOf(words) ?? -1
      if (at === -1) continue
      const range = document.createRange()
      range.setStart(node, at)
      range.setEnd(node, at + words.length)
      const all = range.getBoundingClientRect()
      range.setEnd(node, at + 1)
      return { letter: range.getBoundingClientRect(), all }
    }
    return undefined
  }

  const shownName = (): string => {
    if (editor.caretName !== '::after') return document.querySelector(editor.caretName)?.textContent ?? ''
    const caret = document.querySelector(editor.caret)
    return caret === null ? '' : getComputedStyle(caret, '::after').content.replaceAll('"', '')
  }

  const probe: EditorProbe = {
    text: () =>
      lines()
        // Word joiners keep others' carets in their place; a no-break space is how some editors draw a space.
        .map((line) => (line.textContent ?? '').replaceAll(/[\u2060\u200b\ufeff]/g, '').replaceAll('\u00a0', ' '))
        .join('\n'),
    caretStands({ name, side, words }) {
      const caret = document.querySelector(editor.caret)?.getBoundingClientRect()
      const places = placesOf(words)
      if (caret === undefined || places === undefined || shownName() !== name) return false
      const { letter, all } = places
      const isRightToLeft = /^[\u0590-\u08ff]/.test(words)
      const edges = { 'left of the letter': letter.left, 'left of the word': all.left }
      const rightToLeftEdge = editor.rightToLeft ? edges[editor.rightToLeft] : letter.right
      const edge = isRightToLeft ? rightToLeftEdge : side === 'before' ? letter.left : all.right
      const isInLine = caret.top < letter.bottom && caret.bottom > letter.top
      return isInLine && Math.abs(caret.left - edge) <= NEAR_PX
    },
  }
  Object.assign(globalThis, { probe })
}
