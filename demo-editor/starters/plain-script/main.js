import { keyEndpoint, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'

const ydoc = new Y.Doc()
const provider = new SealedProvider('ws://127.0.0.1:8787', location.hash.slice(1) || 'list-1', ydoc, {
  keys: keyEndpoint('http://127.0.0.1:8788/keys'),
})
const items = ydoc.getArray('items')

const list = document.querySelector('ul')
items.observe(() => {
  list.replaceChildren(
    ...items.toArray().map((item) => {
      const line = document.createElement('li')
      line.textContent = String(item) // text, never HTML: any member can write it
      return line
    }),
  )
})

const form = document.querySelector('form')
form.addEventListener('submit', (event) => {
  event.preventDefault()
  items.push([form.elements.text.value])
  form.reset()
})

const state = document.querySelector('[role=status]')
provider.on('sync-status', ({ status }) => {
  state.textContent = status === 'green' ? 'stored, sealed' : 'not stored yet'
})
provider.on('problem', ({ message, action }) => {
  state.textContent = `${message}: ${action}`
})
