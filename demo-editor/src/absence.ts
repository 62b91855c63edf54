import type { SealedProvider } from 'y-sealed'
import { announce } from './announce.ts'
import { element } from './element.ts'
import { say } from './messages/words.ts'
import type { Absence } from './states.ts'

/** Shorter interruptions are nobody's business: most networks have some each hour. */
const SHORT_MS = 5_000
/** Whoever still waits after this long wonders, and is told. */
const LONG_MS = 30_000

/** Measures how long the connection is away, and says so calmly once it is long. What is said goes by itself. */
export function watchAbsence(provider: SealedProvider, changed: (absence: Absence) => void): void {
  const note = element('away', HTMLElement)
  let timers: ReturnType<typeof setTimeout>[] = []
  let absence: Absence = 'none'

  const become = (next: Absence) => {
    absence = next
    note.textContent = next === 'long' ? say('away.note') : ''
    changed(next)
  }
  const over = () => {
    for (const timer of timers) clearTimeout(timer)
    timers = []
    if (absence === 'long') announce(say(provider.hasUnsyncedChanges ? 'away.back.stored' : 'away.back'))
    if (absence !== 'none') become('none')
  }
  provider.on('status', ({ status }) => {
    // Who went offline on purpose, or was sent away, misses nothing.
    if (status === 'connected' || !provider.shouldConnect) over()
    else if (absence === 'none') {
      become('moment')
      timers = [setTimeout(() => become('short'), SHORT_MS), setTimeout(() => become('long'), LONG_MS)]
    }
  })
  provider.on('closed', over)
}
