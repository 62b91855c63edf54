import { element } from './element.ts'

/** What a panel does when it comes and goes. */
export interface SidePanel {
  shown?(): void
  hidden?(): void
}

/**
 * The panels beside the text, one at a time. Each has a `NAME-panel`, a `NAME-toggle`, a `NAME-close` and a heading `NAME-title`.
 * @returns shows a panel without taking the focus
 */
export function setUpSidePanels(panels: Record<string, SidePanel>): (name: string) => void {
  const workspace = element('workspace', HTMLElement)
  let open: string | undefined

  const change = (next: string | undefined) => {
    const previous = open
    open = next
    for (const name of Object.keys(panels)) {
      element(`${name}-panel`, HTMLElement).hidden = name !== open
      element(`${name}-toggle`, HTMLButtonElement).setAttribute('aria-expanded', String(name === open))
    }
    if (open === undefined) delete workspace.dataset.panel
    else workspace.dataset.panel = open
    if (previous !== undefined) panels[previous]?.hidden?.()
    if (open !== undefined) panels[open]?.shown?.()
  }
  for (const name of Object.keys(panels)) {
    const toggle = element(`${name}-toggle`, HTMLButtonElement)
    const close = () => {
      change(undefined)
      toggle.focus()
    }
    toggle.addEventListener('click', () => {
      change(open === name ? undefined : name)
      // The panel stands at the end of the page: by keyboard it would be far away.
      if (open === name) element(`${name}-title`, HTMLElement).focus()
    })
    element(`${name}-close`, HTMLButtonElement).addEventListener('click', close)
    element(`${name}-panel`, HTMLElement).addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') close()
    })
  }
  return change
}
