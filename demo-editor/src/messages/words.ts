import { de } from './de.ts'
import { en, type MessageKey } from './en.ts'

const TABLES: Record<string, Record<MessageKey, string>> = { en, de }

/** `?lang=` of the address, else the browser's first language that there is a table for, else English. */
export const language: string =
  wantedLanguages()
    .map((wanted) => wanted.toLowerCase().split('-')[0] ?? '')
    .find((wanted) => Object.hasOwn(TABLES, wanted)) ?? 'en'

const table = TABLES[language] ?? en

/** The message in the page's language, with `{name}` replaced by what `values` has for it. */
export function say(key: MessageKey, values: Record<string, string | number> = {}): string {
  return table[key].replace(/\{(\w+)\}/g, (_whole, name: string) => String(values[name] ?? ''))
}

function wantedLanguages(): readonly string[] {
  // Under Node, where parts of the page are tested.
  if (globalThis.location === undefined) return []
  const asked = new URLSearchParams(location.search).get('lang')
  return asked === null ? navigator.languages : [asked, ...navigator.languages]
}

/** For messages that are named by something else's code: the message, where there is one. */
export function sayIfKnown(key: string, values?: Record<string, string | number>): string | undefined {
  return isMessageKey(key) ? say(key, values) : undefined
}

function isMessageKey(key: string): key is MessageKey {
  return Object.hasOwn(en, key)
}

/** Which attribute of index.html names the message for which attribute of the page. */
const ATTRIBUTES = [
  ['data-label', 'aria-label'],
  ['data-title', 'title'],
  ['data-hint', 'placeholder'],
  ['data-content', 'content'],
  ['data-wait', 'data-opening'],
] as const

/** Puts the words into what index.html holds: it has places for them and none itself. */
export function fillInWords(root: Document): void {
  root.documentElement.lang = language
  for (const place of root.querySelectorAll<HTMLElement>('[data-text]'))
    place.textContent = say(keyOf(place.dataset.text))
  for (const [source, target] of ATTRIBUTES) {
    for (const place of root.querySelectorAll(`[${source}]`))
      place.setAttribute(target, say(keyOf(place.getAttribute(source))))
  }
}

function keyOf(key: string | null | undefined): MessageKey {
  if (key && isMessageKey(key)) return key
  throw new Error(`index.html names a message that does not exist: ${key}`)
}
