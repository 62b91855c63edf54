import type { EpochInfo } from 'y-sealed'
import { create, icon } from '../element.ts'
import { language, say } from '../messages/words.ts'
import { entriesText } from './history-words.ts'
import { entriesIn, type Span } from './places.ts'
import type { TimeTravel } from './time-travel.ts'

/** One button per epoch, newest first: it leads to the epoch's end. */
export function epochRows({ epochs, view, isLocked }: TimeTravel): HTMLLIElement[] {
  const rows = epochs.map((epoch) => {
    const locked = isLocked(epoch.index)
    const button = create(
      'button',
      'epoch',
      create('span', 'epoch-name', ...(locked ? [icon('lock')] : []), say('history.epoch', { index: epoch.index })),
      create('span', 'epoch-entries', `${locked ? lockText(epoch) : ''}${entriesText(epoch)}`),
      ...(epoch.at === undefined ? [] : [create('span', 'epoch-opened', say('history.since'), timeOf(epoch.at))]),
      create('code', 'epoch-fingerprint', epoch.fingerprint),
    )
    button.type = 'button'
    button.value = String(epoch.to)
    if (view.is !== 'now' && view.place.epochIndex === epoch.index) button.setAttribute('aria-current', 'true')
    return create('li', '', button)
  })
  return rows.reverse()
}

const lockText = ({ locked }: EpochInfo): string => say(locked === 'pruned' ? 'history.not-kept' : 'history.locked')

const TIME = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })

function timeOf(unixMs: number): HTMLTimeElement {
  const time = create('time', '', TIME.format(unixMs))
  time.dateTime = new Date(unixMs).toISOString()
  return time
}

/** The slider's track in parts as long as the epochs are. */
export function epochParts({ epochs, isLocked }: TimeTravel, { first, last }: Span): HTMLElement[] {
  return epochs
    .filter((epoch) => entriesIn(epoch) > 0)
    .map((epoch) => {
      const part = create('span', isLocked(epoch.index) ? 'part locked' : 'part')
      part.style.setProperty('--share', String(entriesIn(epoch) / (last - first)))
      return part
    })
}
