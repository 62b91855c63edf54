import type Quill from 'quill'

/**
 * While an input method composes, Quill 2.0 holds back what it types, and then counts it from the wrong place if another's edit has come first. Handed
 * over at each step it is where it belongs, and others see it grow. Not so in an empty line: there Quill replaces the text node at the first step, which
 * ends the composition.
 */
export function keepComposition(quill: Quill): void {
  let isInText = false
  quill.root.addEventListener('compositionstart', () => {
    isInText = getSelection()?.anchorNode instanceof Text
  })
  quill.root.addEventListener('input', () => {
    // By then Quill's observer has told it what has changed.
    queueMicrotask(() => {
      if (!isInText || !quill.composition.isComposing) return
      quill.scroll.batchEnd()
      quill.scroll.batchStart()
    })
  })
}
