import type { ChainedCommands, Editor } from '@tiptap/core'
import { create, element, icon } from './element.ts'
import { askForLink } from './link-dialog.ts'
import { say } from './messages/words.ts'
import { choosePicture } from './picture.ts'
import { roomToGoOn } from './room-to-go-on.ts'

interface Tool {
  label: string
  /** In a table only. */
  inTable?: boolean
  /** As in index.html's icon sheet; without one the button shows `text`. */
  icon?: string
  text?: string
  keys?: string
  /** What TipTap calls the mark or node, for the pressed state. */
  active?: [name: string, attributes?: Record<string, unknown>]
  run: (chain: ChainedCommands) => ChainedCommands
  /** Asks something first. */
  ask?: (editor: Editor) => void
}

const GROUPS: Tool[][] = [
  [
    { label: say('tool.undo'), icon: 'undo', keys: 'Z', run: (chain) => chain.undo() },
    { label: say('tool.redo'), icon: 'redo', keys: 'Shift+Z', run: (chain) => chain.redo() },
  ],
  ([1, 2, 3] as const).map((level) => ({
    label: say('tool.heading', { level }),
    text: `H${level}`,
    keys: `Alt+${level}`,
    active: ['heading', { level }],
    run: (chain) => chain.toggleHeading({ level }),
  })),
  [
    { label: say('tool.bold'), icon: 'bold', keys: 'B', active: ['bold'], run: (chain) => chain.toggleBold() },
    { label: say('tool.italic'), icon: 'italic', keys: 'I', active: ['italic'], run: (chain) => chain.toggleItalic() },
    {
      label: say('tool.strike'),
      icon: 'strike',
      keys: 'Shift+S',
      active: ['strike'],
      run: (chain) => chain.toggleStrike(),
    },
    { label: say('tool.code'), icon: 'code', keys: 'E', active: ['code'], run: (chain) => chain.toggleCode() },
  ],
  [
    {
      label: say('tool.bullets'),
      icon: 'bullets',
      keys: 'Shift+8',
      active: ['bulletList'],
      run: (chain) => chain.toggleBulletList(),
    },
    {
      label: say('tool.numbers'),
      icon: 'numbers',
      keys: 'Shift+7',
      active: ['orderedList'],
      run: (chain) => chain.toggleOrderedList(),
    },
    {
      label: say('tool.quote'),
      icon: 'quote',
      keys: 'Shift+B',
      active: ['blockquote'],
      run: (chain) => chain.toggleBlockquote(),
    },
    {
      label: say('tool.code-block'),
      icon: 'code-block',
      keys: 'Alt+C',
      active: ['codeBlock'],
      run: (chain) => chain.toggleCodeBlock(),
    },
  ],
  [
    {
      label: say('tool.link'),
      icon: 'link',
      keys: 'K',
      active: ['link'],
      run: (chain) => chain.extendMarkRange('link'),
      ask: askForLink,
    },
    { label: say('tool.image'), icon: 'image', run: (chain) => chain, ask: choosePicture },
    {
      label: say('tool.table'),
      icon: 'table',
      active: ['table'],
      run: (chain) => roomToGoOn(chain.insertTable({ rows: 3, cols: 3, withHeaderRow: true })),
    },
  ],
  [
    { label: say('tool.row'), icon: 'row', inTable: true, run: (chain) => chain.addRowAfter() },
    { label: say('tool.column'), icon: 'column', inTable: true, run: (chain) => chain.addColumnAfter() },
    { label: say('tool.table-delete'), icon: 'table-delete', inTable: true, run: (chain) => chain.deleteTable() },
  ],
]

const MODIFIER = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl+'

/** Buttons in groups; one tab stop for all, arrow keys between them (ARIA toolbar pattern). */
export function setUpToolbar(editor: Editor): void {
  const toolbar = element('toolbar', HTMLDivElement)
  const tools = GROUPS.flat().map((tool) => ({ tool, button: toolButton(tool, editor) }))
  const buttons = tools.map(({ button }) => button)
  toolbar.replaceChildren(
    ...GROUPS.map((group) =>
      create('div', 'tools', ...tools.filter(({ tool }) => group.includes(tool)).map(({ button }) => button)),
    ),
  )

  const render = () => {
    for (const { tool, button } of tools) {
      if (tool.active) button.setAttribute('aria-pressed', String(editor.isActive(...tool.active)))
      if (tool.inTable) button.hidden = !editor.isActive('table')
      // Not `disabled`: a button that has the focus would lose it.
      button.setAttribute('aria-disabled', String(!tool.run(editor.can().chain()).run()))
    }
  }
  editor.on('transaction', render)
  render()
  moveWithArrowKeys(toolbar, buttons)
}

function toolButton(tool: Tool, editor: Editor): HTMLButtonElement {
  const button = create('button', 'tool', tool.icon ? icon(tool.icon) : (tool.text ?? ''))
  button.type = 'button'
  button.setAttribute('aria-label', tool.label)
  button.title = tool.keys ? say('tool.with-keys', { label: tool.label, keys: MODIFIER + tool.keys }) : tool.label
  // The selection must stay in the text.
  button.addEventListener('pointerdown', (event) => event.preventDefault())
  button.addEventListener('click', () => {
    if (tool.ask) tool.ask(editor)
    else tool.run(editor.chain().focus()).run()
  })
  return button
}

function moveWithArrowKeys(toolbar: HTMLElement, buttons: HTMLButtonElement[]): void {
  const moveTo = (index: number) => {
    const next = buttons.at(index % buttons.length)
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1
    return next
  }
  moveTo(0)
  toolbar.addEventListener('keydown', (event) => {
    const shown = buttons.filter((button) => !button.hidden)
    const at = shown.findIndex((button) => button.matches(':focus'))
    const target = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key]
    if (at === -1 || target === undefined) return
    event.preventDefault()
    moveTo(buttons.indexOf(shown.at(target % shown.length) ?? shown[0]!))?.focus()
  })
}
