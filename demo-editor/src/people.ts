import type { Awareness } from 'y-protocols/awareness'
import { create, element } from './element.ts'
import { say } from './messages/words.ts'
import { type Person, parsePerson } from './person.ts'

/** More circles do not fit beside the title on a phone. */
const MAX_CIRCLES = 3

/** The faces in the bar: me first, then everybody whose awareness arrives. */
export function showPeople(awareness: Awareness): void {
  const list = element('people', HTMLUListElement)
  const render = () => {
    const people = peopleOf(awareness)
    const shown = people.length <= MAX_CIRCLES ? people : people.slice(0, MAX_CIRCLES - 1)
    const faces = shown.map(({ person, isMe }) => face(person, isMe))
    const more = people.length - shown.length
    if (more > 0) faces.push(create('li', 'face more', `+${more}`))
    list.replaceChildren(...faces)
  }
  awareness.on('change', render)
  render()
}

function peopleOf(awareness: Awareness): { person: Person; isMe: boolean }[] {
  return [...awareness.getStates()]
    .filter(([, state]) => state.user !== undefined)
    .map(([id, state]) => ({ person: parsePerson(state.user), isMe: id === awareness.clientID }))
    .sort((a, b) => Number(b.isMe) - Number(a.isMe) || a.person.name.localeCompare(b.person.name))
}

function face(person: Person, isMe: boolean): HTMLLIElement {
  const made = create('li', 'face', [...person.name][0]?.toUpperCase() ?? '?')
  made.title = isMe ? say('you', { name: person.name }) : person.name
  made.setAttribute('aria-label', made.title)
  made.style.setProperty('--caret', person.color)
  return made
}
