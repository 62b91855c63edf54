import type { ProblemCode, SealedError, SealedProvider } from 'y-sealed'
import { announce } from './announce.ts'
import { create, element, icon } from './element.ts'
import type { MessageKey } from './messages/en.ts'
import { say } from './messages/words.ts'

const ABOUT_THE_KEY: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  ...(['key-missing', 'key-invalid', 'key-refused', 'key-unknown', 'key-mismatch'] as const),
])
/** Over as soon as the document is connected, under its key. */
const OVER_ONCE_CONNECTED: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  ...ABOUT_THE_KEY,
  ...(['auth-required', 'authentication-failed', 'session-revoked', 'relay-fault', 'interrupted'] as const),
])
/** Over as soon as every entry of the log is here. */
const OVER_ONCE_SYNCED: ReadonlySet<ProblemCode> = new Set<ProblemCode>(['withheld', 'stale-epoch'])

/** A moment without the endpoint is no news, just as one without the relay. */
const SHORT_MS = 5_000

/**
 * Shows each problem once, in plain words and with what to do next, until it is over or closed.
 * @returns closes all that are shown
 */
export function showProblems(provider: SealedProvider): () => void {
  const list = element('problems', HTMLElement)
  const notes = new Map<ProblemCode, HTMLElement>()
  let timer: ReturnType<typeof setTimeout> | undefined

  const forget = (code: ProblemCode) => {
    notes.get(code)?.remove()
    return notes.delete(code)
  }
  const show = (problem: SealedError) => {
    forget(problem.code)
    const note = noteOf(problem, wordsFor(problem, provider.hasUnsyncedChanges), () => forget(problem.code))
    notes.set(problem.code, note)
    list.append(note)
  }
  const overFor = (codes: ReadonlySet<ProblemCode>) => {
    for (const code of notes.keys()) if (codes.has(code)) forget(code)
  }
  const stopWaiting = () => {
    clearTimeout(timer)
    timer = undefined
    forget('key-unavailable')
  }
  provider.on('problem', (problem) => {
    if (problem.code === 'key-unavailable') {
      timer ??= setTimeout(() => show(problem), SHORT_MS)
      return
    }
    // Whoever says no has answered.
    if (ABOUT_THE_KEY.has(problem.code)) stopWaiting()
    show(problem)
  })
  provider.on('status', ({ status }) => {
    if (status !== 'connected') return
    stopWaiting()
    overFor(OVER_ONCE_CONNECTED)
  })
  provider.on('sync', (synced) => {
    if (synced) overFor(OVER_ONCE_SYNCED)
  })
  provider.on('key-match', () => {
    forget('key-mismatch')
    announce(say('key-match'))
  })
  return () => {
    for (const code of notes.keys()) forget(code)
  }
}

/** The words for a problem; what to do next depends, for somebody who was removed, on whether all was stored before. */
export function wordsFor({ code }: Pick<SealedError, 'code'>, hasUnsyncedChanges: boolean): string {
  const key: MessageKey =
    code === 'session-revoked' && hasUnsyncedChanges ? 'problem.session-revoked.unsent' : `problem.${code}`
  return say(key)
}

function noteOf(problem: SealedError, words: string, dismissed: () => void): HTMLElement {
  const close = create('button', 'button quiet', icon('close'))
  close.type = 'button'
  close.setAttribute('aria-label', say('problem.dismiss'))
  // The code is for whoever is asked for help.
  const note = create('div', 'problem', create('p', '', words, ' ', create('code', '', problem.code)), close)
  close.addEventListener('click', dismissed)
  return note
}
