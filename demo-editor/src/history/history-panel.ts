import type { Editor } from '@tiptap/core'
import type { SealedProvider } from 'y-sealed'
import { onPress, setAvailable } from '../availability.ts'
import { element } from '../element.ts'
import { say } from '../messages/words.ts'
import type { SidePanel } from '../side-panels.ts'
import { epochParts, epochRows } from './epoch-list.ts'
import { failureText, placeText } from './history-words.ts'
import { spanOf } from './places.ts'
import { createPreview } from './preview.ts'
import { restore } from './restore.ts'
import { createTimeTravel, type TimeTravel } from './time-travel.ts'

/** While others type, the slider grows this often: soon enough to be called live, seldom enough to cost nothing. */
const REFRESH_AFTER_MS = 1_000

/** The panel with the slider over all epochs. What it shows stands where the living text stood, and nobody can edit it. */
export function setUpHistory(provider: SealedProvider, editor: Editor): SidePanel {
  const preview = createPreview(element('past-text', HTMLElement))
  const travel = createTimeTravel({
    source: provider,
    isOnline: () => provider.wsconnected,
    show: (doc) => preview.show(doc),
    clear: () => preview.clear(),
    changed: () => {
      render(travel, provider.canWrite)
      // The list may grow while "Restored" is still to be read.
      if (travel.view !== toldView) tell(travel, provider.canWrite)
      toldView = travel.view
    },
  })
  let toldView = travel.view
  let isShown = false
  let lastQuestion = 0
  let refreshTimer: ReturnType<typeof setTimeout> | undefined

  const refresh = async () => {
    clearTimeout(refreshTimer)
    refreshTimer = undefined
    const question = ++lastQuestion
    const [answer] = await Promise.allSettled([provider.epochs()])
    if (question !== lastQuestion || !isShown) return
    if (answer.status === 'fulfilled') travel.adopt(answer.value)
    else if (travel.epochs.length === 0) tellNote(failureText(answer.reason, provider.wsconnected), 'bad')
  }
  const refreshSoon = () => {
    if (isShown) refreshTimer ??= setTimeout(() => void refresh(), REFRESH_AFTER_MS)
  }
  const restoreShown = () => {
    const content = preview.content()
    if (content === undefined) return
    const restored = whereText(travel)
    restore(editor, content)
    travel.goToNow()
    tellNote(say('history.restored', { where: restored }))
  }

  setUpSlider(travel)
  onPress(element('history-now', HTMLButtonElement), () => travel.goToNow())
  onPress(element('history-restore', HTMLButtonElement), restoreShown)
  provider.doc.on('update', refreshSoon)
  provider.on('sync-status', refreshSoon)
  provider.on('epoch', refreshSoon)
  provider.on('sync', () => {
    if (!isShown || !provider.wsconnected) return
    void refresh()
    travel.retry()
  })
  return {
    shown() {
      isShown = true
      void refresh()
    },
    hidden() {
      isShown = false
      travel.goToNow()
    },
  }
}

function setUpSlider(travel: TimeTravel): void {
  const slider = element('history-slider', HTMLInputElement)
  slider.addEventListener('input', () => travel.goTo(slider.valueAsNumber))
  const step = (id: string, by: number) =>
    element(id, HTMLButtonElement).addEventListener('click', () => travel.goTo(slider.valueAsNumber + by))
  step('history-earlier', -1)
  step('history-later', 1)
  element('epochs', HTMLUListElement).addEventListener('click', ({ target }) => {
    const row = target instanceof Element ? target.closest('button') : null
    if (row) travel.goTo(Number(row.value))
  })
}

function render(travel: TimeTravel, canWrite: boolean): void {
  const { view } = travel
  const where = whereText(travel)
  renderSlider(travel, where)
  renderRows(travel)
  element('live', HTMLElement).hidden = view.is !== 'now'
  const past = element('past', HTMLElement)
  past.hidden = view.is === 'now'
  past.ariaBusy = String(view.is === 'opening')
  element('past-caption', HTMLElement).textContent = view.is === 'failed' ? where : say('history.read-only', { where })
  setAvailable(element('history-restore', HTMLButtonElement), view.is === 'shown' && canWrite)
  setAvailable(element('history-now', HTMLButtonElement), view.is !== 'now')
  if (view.is === 'failed') element('past-text', HTMLElement).textContent = view.reason
}

/** In the status line, for those who do not see the text change. */
function tell(travel: TimeTravel, canWrite: boolean): void {
  const { view } = travel
  if (view.is === 'failed') tellNote(view.reason, 'bad')
  else if (view.is !== 'shown') tellNote('')
  else tellNote(say('history.shown', { where: whereText(travel) }) + (canWrite ? '' : say('history.reader')))
}

function renderSlider(travel: TimeTravel, where: string): void {
  const span = spanOf(travel.epochs)
  element('history-travel', HTMLElement).hidden = span === undefined || span.first === span.last
  if (span === undefined) return
  const slider = element('history-slider', HTMLInputElement)
  slider.min = String(span.first)
  slider.max = String(span.last)
  slider.value = String(travel.view.is === 'now' ? span.last : travel.view.place.at)
  slider.setAttribute('aria-valuetext', where)
  element('history-place', HTMLElement).textContent = where
  element('history-parts', HTMLElement).replaceChildren(...epochParts(travel, span))
}

/** The button that was pressed is drawn anew, and keeps the focus. */
function renderRows(travel: TimeTravel): void {
  const list = element('epochs', HTMLUListElement)
  const focused = [...list.querySelectorAll('button')].findIndex((button) => button.matches(':focus'))
  list.replaceChildren(...epochRows(travel))
  if (focused !== -1) list.querySelectorAll('button').item(focused)?.focus({ preventScroll: true })
}

function whereText({ view, epochs }: TimeTravel): string {
  const span = spanOf(epochs)
  return view.is === 'now' || span === undefined ? say('history.now') : placeText(view.place, span)
}

function tellNote(text: string, tone?: 'bad'): void {
  const note = element('history-note', HTMLElement)
  // What is written again is read out again.
  if (note.textContent !== text) note.textContent = text
  note.dataset.tone = tone ?? ''
}
