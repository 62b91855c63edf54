import type { Editor } from '@tiptap/core'
import { Image } from '@tiptap/extension-image'
import { TextSelection } from '@tiptap/pm/state'
import { announce } from './announce.ts'
import { element } from './element.ts'
import { say } from './messages/words.ts'
import { roomToGoOn } from './room-to-go-on.ts'

/** Kinds that hold pixels only. SVG is a document, with links and styles. */
const PICTURE = /^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/
/** About what a screen shows; a photo is then some 200 kB. */
const MAX_SIDE_PX = 1_600
/** As text. Two envelopes; a relay takes more, but everybody who opens the document loads it. */
const MAX_CHARACTERS = 500_000
const QUALITY = 0.82

/** The picture, if it is one and stands in the document itself. An address elsewhere would tell that host who reads. */
export function safePicture(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= MAX_CHARACTERS && PICTURE.test(value) ? value : undefined
}

/** A picture whose only attributes are its pixels and its description. What is none is shown by its description. */
export const SafePicture = Image.extend({
  addAttributes() {
    return { src: { default: null }, alt: { default: null } }
  },
  parseHTML() {
    const isSafe = (picture: HTMLElement) => (safePicture(picture.getAttribute('src')) === undefined ? false : null)
    return [{ tag: 'img[src]', getAttrs: isSafe }]
  },
  renderHTML({ node }) {
    const [src, alt] = [safePicture(node.attrs.src), typeof node.attrs.alt === 'string' ? node.attrs.alt : '']
    return src === undefined ? ['span', { role: 'img', 'aria-label': alt }] : ['img', { src, alt }]
  },
  // `![text](address)` would fetch from anywhere.
  addInputRules: () => [],
})

/** Asks for a file, makes it as small as a screen needs, and puts it where the caret is. */
export function choosePicture(editor: Editor): void {
  const field = element('image-file', HTMLInputElement)
  field.onchange = async () => {
    const [file] = field.files ?? []
    field.value = ''
    if (file === undefined) return
    const src = await shrink(file).catch(() => undefined)
    if (src === undefined) announceTrouble('image.unreadable')
    else if (safePicture(src) === undefined) announceTrouble('image.too-large')
    else {
      const alt = say('image.alternative', { name: file.name })
      roomToGoOn(editor.chain().focus().setImage({ src, alt }))
        .command(({ tr }) => {
          // The picture is selected: what is typed next would take its place.
          tr.setSelection(TextSelection.near(tr.doc.resolve(tr.selection.to)))
          return true
        })
        .run()
    }
  }
  field.click()
}

function announceTrouble(trouble: 'image.unreadable' | 'image.too-large'): void {
  announce(say(trouble))
  const line = element('rotate-state', HTMLElement)
  line.textContent = say(trouble)
  line.dataset.tone = 'bad'
}

async function shrink(file: Blob): Promise<string> {
  const picture = await createImageBitmap(file)
  const scale = Math.min(1, MAX_SIDE_PX / Math.max(picture.width, picture.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(picture.width * scale))
  canvas.height = Math.max(1, Math.round(picture.height * scale))
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height)
  picture.close()
  // Where a browser cannot write it, it gives PNG.
  return canvas.toDataURL('image/webp', QUALITY)
}
