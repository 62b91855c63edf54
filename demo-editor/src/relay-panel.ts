import type { Editor } from '@tiptap/core'
import { observe, type StoredEntry } from 'y-sealed/observe'
import type { Access } from './access.ts'
import { bytesToText, type Encoding, sizeToText } from './byte-text.ts'
import { create, element } from './element.ts'
import { say, sayIfKnown } from './messages/words.ts'
import { readPublicHeader } from './public-header.ts'
import type { SidePanel } from './side-panels.ts'

/** More rows make a long document slow to scroll; the counts go on. */
const MAX_ROWS = 200
/** A pasted book is one envelope; its beginning shows what it is. */
const MAX_SHOWN_BYTES = 256

/** The panel: asks the relay for everything it stores about this document, with an access token and no key. */
export function setUpRelayPanel(documentName: string, access: Access, editor: Editor): SidePanel {
  showPlaintext(editor)
  let isWatching = false
  return {
    shown() {
      if (!isWatching) watchRelay(documentName, access)
      isWatching = true
    },
  }
}

/** Above the ciphertext: the paragraph that was typed in last, as this person sees it. */
function showPlaintext(editor: Editor): void {
  editor.on('update', ({ editor: { state, isFocused } }) => {
    const { parent } = state.selection.$from
    // What others type is not what "you type"; a picture that is marked is no text.
    if (!isFocused || !parent.isTextblock) return
    const text = parent.textContent
    element('plaintext', HTMLElement).textContent = text || say('relay.plain.empty')
  })
}

function watchRelay(documentName: string, access: Access): void {
  const list = element('entries', HTMLOListElement)
  const encodingButton = element('relay-encoding', HTMLButtonElement)
  const shown: ShownBytes[] = []
  let encoding: Encoding = 'hex'
  let storedBytes = 0
  let envelopes = 0

  const add = (stored: ShownBytes) => {
    shown.push(stored)
    list.prepend(row(stored, encoding))
    if (shown.length > MAX_ROWS) {
      shown.shift()
      list.lastElementChild?.remove()
    }
  }
  encodingButton.addEventListener('click', () => {
    encoding = encoding === 'hex' ? 'base64' : 'hex'
    encodingButton.textContent = encoding
    list.replaceChildren(...shown.map((stored) => row(stored, encoding)).reverse())
  })

  const observer = observe(access.relayUrl, documentName, { token: access.relayToken })
  observer.on('record', (record) => add(recordToShow(record)))
  observer.on('entry', (entry) => {
    add(entryToShow(entry))
    envelopes += 1
    storedBytes += entry.envelope.length
    element('relay-count', HTMLElement).textContent = String(envelopes)
    element('relay-bytes', HTMLElement).textContent = sizeToText(storedBytes)
  })
  observer.on('caught-up', () => note(''))
  observer.on('problem', () => note(say('relay.trouble')))
  observer.on('closed', () => note(say('relay.ended')))
}

function note(text: string): void {
  const line = element('relay-note', HTMLElement)
  line.hidden = text === ''
  line.textContent = text
}

interface ShownBytes {
  title: string
  kind: string
  position: string
  bytes: Uint8Array
  /** How many of the first bytes anybody can read. */
  readableBytes: number
}

function entryToShow({ sequence, envelope }: StoredEntry): ShownBytes {
  const { kind, epochIndex, counter, headerBytes } = readPublicHeader(envelope)
  const position = say('relay.position', { epoch: epochIndex, counter })
  return {
    title: `#${sequence}`,
    kind: sayIfKnown(`relay.kind.${kind}`) ?? kind,
    position,
    bytes: envelope,
    readableBytes: headerBytes,
  }
}

/** Names the key of an epoch and commits to it; the key is not in it. */
function recordToShow(record: Uint8Array): ShownBytes {
  return {
    title: '',
    kind: say('relay.kind.record'),
    position: say('relay.record'),
    bytes: record,
    readableBytes: record.length,
  }
}

function row({ title, kind, position, bytes, readableBytes }: ShownBytes, encoding: Encoding): HTMLLIElement {
  const shown = bytes.subarray(0, MAX_SHOWN_BYTES)
  const hiddenBytes = bytes.length - shown.length
  const facts = create(
    'p',
    'entry-facts',
    ...(title ? [create('span', 'sequence', title)] : []),
    create('span', 'kind', kind),
    create('span', 'size', sizeToText(bytes.length)),
    create('span', 'position', position),
  )
  const content = create(
    'p',
    'bytes',
    create('span', 'readable', bytesToText(shown.subarray(0, readableBytes), encoding)),
    ' ',
    create('span', 'sealed', bytesToText(shown.subarray(readableBytes), encoding)),
    hiddenBytes > 0 ? say('relay.more', { size: sizeToText(hiddenBytes) }) : '',
  )
  return create('li', 'entry', facts, content)
}
