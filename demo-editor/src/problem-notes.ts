import type { SealedError, SealedProvider } from 'y-sealed'
import { create, element, icon } from './element.ts'

/** What a reader of the page needs to know; a developer finds code and message behind it. */
const SENTENCES: Record<string, string> = {
  'key-missing': 'This document has no key. Nothing is sent.',
  'key-invalid': 'The key endpoint gave something that is no key. Nothing is sent until it does.',
  'key-refused': 'The key endpoint does not let you read this document.',
  'key-unknown': 'The key endpoint does not know the key that this document was sealed with.',
  'key-unavailable': 'The key endpoint does not answer. It is asked again; you can go on writing.',
  'key-mismatch': 'The key endpoint gave another key than this document was sealed with.',
  'key-rotated': 'The key was retired. What you write waits in this tab until somebody has made the next one.',
  'rotation-unsupported': 'The key endpoint gives this document no other key. The key was not rotated.',
  tampered: 'The relay delivered something that was altered. It was thrown away.',
  withheld: 'The relay keeps something back that it should have. It is asked again.',
  gap: 'The relay left something out. What could be read is shown.',
  rollback: 'The relay lost stored changes. What this tab holds is being stored again.',
  fork: 'The relay shows different people different histories of this document.',
  'relay-fault': 'The relay made a mistake. The connection is made anew.',
  'write-denied': 'You may read this document and not change it. Your edits stay in this tab.',
  'auth-required': 'The relay wants you to sign in again.',
  'authentication-failed': 'The relay did not accept your sign-in. Reload the page to sign in again.',
  limit: 'This document or this change is larger than the relay takes. Undo some of it.',
  'update-required': 'This page and the relay speak different versions. Reload the page.',
}

/** Shows each problem once, in plain words, until it is closed. */
export function showProblems(provider: SealedProvider): void {
  const list = element('problems', HTMLElement)
  const notes = new Map<string, HTMLElement>()
  provider.on('problem', (problem) => {
    notes.get(problem.code)?.remove()
    const note = noteOf(problem)
    notes.set(problem.code, note)
    list.append(note)
  })
}

function noteOf(problem: SealedError): HTMLElement {
  const close = create('button', 'button quiet', icon('close'))
  close.type = 'button'
  close.setAttribute('aria-label', 'Dismiss')
  const text = create('p', '', SENTENCES[problem.code] ?? problem.message, ' ', create('code', '', problem.code))
  const note = create('div', 'problem', text, close)
  note.title = `${problem.message} (${problem.action})`
  close.addEventListener('click', () => note.remove())
  return note
}
