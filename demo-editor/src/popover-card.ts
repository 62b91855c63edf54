import { element } from './element.ts'

const GAP_PX = 6
const MARGIN_PX = 12

/**
 * Places a card (`popover` in index.html, so Escape and a press elsewhere close it and the focus goes back) under its button, and
 * keeps it on the page.
 */
export function placeCard(cardId: string, buttonId: string, shown: () => void = () => {}): void {
  const card = element(cardId, HTMLElement)
  const button = element(buttonId, HTMLButtonElement)
  const place = () => {
    const from = button.getBoundingClientRect()
    const left = Math.max(MARGIN_PX, Math.min(from.left, innerWidth - card.offsetWidth - MARGIN_PX))
    card.style.setProperty('--left', `${left}px`)
    card.style.setProperty('--top', `${from.bottom + GAP_PX}px`)
  }
  const isOpen = () => card.matches(':popover-open')
  card.addEventListener('toggle', () => {
    button.setAttribute('aria-expanded', String(isOpen()))
    if (!isOpen()) return
    shown()
    place()
  })
  button.setAttribute('aria-expanded', 'false')
  addEventListener('resize', () => {
    if (isOpen()) place()
  })
}
