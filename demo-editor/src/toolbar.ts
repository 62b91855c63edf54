import type { ChainedCommands, Editor } from '@tiptap/core'
import { create, element, icon } from './element.ts'

interface Tool {
  label: string
  /** As in index.html's icon sheet; without one the button shows `text`. */
  icon?: string
  text?: string
  keys?: string
  /** What TipTap calls the mark or node, for the pressed state. */
  active?: [name: string, attributes?: Record<string, unknown>]
  run: (chain: ChainedCommands) => ChainedCommands
}

const GROUPS: Tool[][] = [
  [
    { label: 'Undo', icon: 'undo', keys: 'Z', run: (chain) => chain.undo() },
    { label: 'Redo', icon: 'redo', keys: 'Shift+Z', run: (chain) => chain.redo() },
  ],
  ([1, 2, 3] as const).map((level) => ({
    label: `Heading ${level}`,
    text: `H${level}`,
    keys: `Alt+${level}`,
    active: ['heading', { level }],
    run: (chain) => chain.toggleHeading({ level }),
  })),
  [
    { label: 'Bold', icon: 'bold', keys: 'B', active: ['bold'], run: (chain) => chain.toggleBold() },
    { label: 'Italic', icon: 'italic', keys: 'I', active: ['italic'], run: (chain) => chain.toggleItalic() },
    {
      label: 'Strike through',
      icon: 'strike',
      keys: 'Shift+S',
      active: ['strike'],
      run: (chain) => chain.toggleStrike(),
    },
    { label: 'Code', icon: 'code', keys: 'E', active: ['code'], run: (chain) => chain.toggleCode() },
  ],
  [
    {
      label: 'Bullet list',
      icon: 'bullets',
      keys: 'Shift+8',
      active: ['bulletList'],
      run: (chain) => chain.toggleBulletList(),
    },
    {
      label: 'Numbered list',
      icon: 'numbers',
      keys: 'Shift+7',
      active: ['orderedList'],
      run: (chain) => chain.toggleOrderedList(),
    },
    {
      label: 'Quote',
      icon: 'quote',
      keys: 'Shift+B',
      active: ['blockquote'],
      run: (chain) => chain.toggleBlockquote(),
    },
    {
      label: 'Code block',
      icon: 'code-block',
      keys: 'Alt+C',
      active: ['codeBlock'],
      run: (chain) => chain.toggleCodeBlock(),
    },
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
  button.title = tool.keys ? `${tool.label} (${MODIFIER}${tool.keys})` : tool.label
  // The selection must stay in the text.
  button.addEventListener('pointerdown', (event) => event.preventDefault())
  button.addEventListener('click', () => tool.run(editor.chain().focus()).run())
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
    const at = buttons.findIndex((button) => button.matches(':focus'))
    const target = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key]
    if (at === -1 || target === undefined) return
    event.preventDefault()
    moveTo(target)?.focus()
  })
}
