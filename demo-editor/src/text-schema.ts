import type { Extensions } from '@tiptap/core'
import { StarterKit } from '@tiptap/starter-kit'
import { SafePicture } from './picture.ts'
import { SafeLink } from './safe-link.ts'
import { safeTable } from './safe-table.ts'

/** The part of the Y.Doc that holds the text. */
export const TEXT_FIELD = 'text'

/** As JSON: TipTap would parse even an empty string as HTML, which `require-trusted-types-for` forbids. */
export const EMPTY_TEXT = { type: 'doc', content: [{ type: 'paragraph' }] }

/** Which nodes and marks a text may have, now and in the past: what members put into the Y.Doc beyond them is not rendered. */
export function textSchema(): Extensions {
  return [
    // History is Yjs' own. A trailing paragraph would be an edit made by everybody who merely opens the document.
    StarterKit.configure({ undoRedo: false, trailingNode: false, link: false, heading: { levels: [1, 2, 3] } }),
    SafeLink,
    SafePicture,
    ...safeTable(),
  ]
}
