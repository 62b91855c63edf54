import { keyEndpoint, type SealedError, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'

/** What the demo reads and presses from outside. */
export interface DemoPage {
  readonly doc: Y.Doc
  readonly provider: SealedProvider
  /** Codes of problems, in the order in which they came. */
  readonly problems: string[]
}

// One field per person, of which only that person writes: what was typed is then what must be read.
const { relay = '', room = '', name = '' } = Object.fromEntries(new URLSearchParams(location.search))

const doc = new Y.Doc()
const text = doc.getText(name)
const provider = new SealedProvider(relay, room, doc, {
  keys: keyEndpoint(`${location.origin}/keys`, { credentials: 'same-origin' }),
  connect: !location.hash.includes('later'),
})
const problems: string[] = []
provider.on('problem', (error: SealedError) => void problems.push(error.code))

const field = document.querySelector('textarea')
field?.addEventListener('input', () => {
  const [before, after] = [text.toString(), field.value]
  let start = 0
  while (start < Math.min(before.length, after.length) && before[start] === after[start]) start++
  let end = 0
  while (end < Math.min(before.length, after.length) - start && before.at(-1 - end) === after.at(-1 - end)) end++
  doc.transact(() => {
    text.delete(start, before.length - start - end)
    text.insert(start, after.slice(start, after.length - end))
  })
})

const demo: DemoPage = { doc, provider, problems }
Object.assign(globalThis, { demo })
