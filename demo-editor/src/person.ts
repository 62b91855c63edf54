import { colourOf } from './caret-colours.ts'
import { say } from './messages/words.ts'

/** What a member's awareness says of its user. */
export interface Person {
  name: string
  color: string
}

/** Fits under a caret. */
const MAX_NAME_CHARACTERS = 40

/** Awareness comes from other members: whatever it holds, a short name and a colour of ours come out. */
export function parsePerson(value: unknown): Person {
  const name = typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined
  const shown = typeof name === 'string' ? [...name.trim()].slice(0, MAX_NAME_CHARACTERS).join('') : ''
  return { name: shown || say('somebody'), color: colourOf(shown) }
}
