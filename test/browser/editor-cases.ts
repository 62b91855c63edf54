/** An editor's page in the demo, and where on it to look. */
export interface EditorCase {
  readonly name: string
  /** What has the focus while somebody types. */
  readonly input: string
  /** What shows the text. */
  readonly text: string
  /** Another's caret. */
  readonly caret: string
  /** Where the other's name stands: an element, or the caret's `::after`. */
  readonly caretName: string
  /** How bold text is shown; none: the editor is for plain text. */
  readonly bold?: string
  /** Default: Control+y. */
  readonly redo?: string
  /** Before a word that runs from right to left it draws the caret on the left of the word's first letter, or of the whole word. Default: on the right. */
  readonly rightToLeft?: 'left of the letter' | 'left of the word'
}

const PROSEMIRROR = { input: '.ProseMirror', text: '.ProseMirror', bold: 'strong' }

export const EDITORS: readonly EditorCase[] = [
  {
    ...PROSEMIRROR,
    name: 'tiptap',
    caret: '.collaboration-carets__caret',
    caretName: '.collaboration-carets__label',
  },
  { ...PROSEMIRROR, name: 'prosemirror', caret: '.ProseMirror-yjs-cursor', caretName: '.ProseMirror-yjs-cursor > div' },
  {
    name: 'quill',
    input: '.ql-editor',
    text: '.ql-editor',
    caret: '.ql-cursor-caret',
    caretName: '.ql-cursor-name',
    bold: 'strong',
    redo: 'Control+Shift+z',
    rightToLeft: 'left of the letter',
  },
  {
    name: 'codemirror',
    input: '.cm-content',
    text: '.cm-content',
    caret: '.cm-ySelectionCaret',
    caretName: '.cm-ySelectionInfo',
  },
  {
    name: 'lexical',
    input: '#editor [contenteditable=true]',
    text: '#editor [contenteditable=true]',
    caret: '#carets > span:has(span:not(:empty))',
    caretName: '#carets span:not(:empty):not(:has(span))',
    bold: 'strong',
  },
  {
    ...PROSEMIRROR,
    name: 'blocknote',
    caret: '.bn-collaboration-cursor__caret',
    caretName: '.bn-collaboration-cursor__label',
  },
  {
    name: 'monaco',
    input: '.native-edit-context',
    text: '.view-lines',
    caret: '.yRemoteSelectionHead',
    caretName: '::after',
    rightToLeft: 'left of the word',
  },
]
