import { InputRule, Mark, markPasteRule } from '@tiptap/core'

/** Schemes that lead to another page or a mail program and run nothing here. */
const SAFE_SCHEMES = ['http:', 'https:', 'mailto:']

const TYPED_ADDRESS = /(?:^|\s)(https?:\/\/[^\s<>"']{3,2000})\s$/
const PASTED_ADDRESS = /(https?:\/\/[^\s<>"']{3,2000})/g

/** The address, normalised, if it may be linked to. Any member can put any string here. */
export function safeAddress(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  try {
    const address = new URL(value)
    return SAFE_SCHEMES.includes(address.protocol) ? address.href : undefined
  } catch {
    return undefined // relative, or no address at all
  }
}

/** A link whose only attribute is a checked address: a member chooses neither target nor rel nor class. */
export const SafeLink = Mark.create({
  name: 'link',
  inclusive: false,

  addAttributes() {
    return { href: { default: null } }
  },

  parseHTML() {
    const isSafe = (anchor: HTMLElement) => (safeAddress(anchor.getAttribute('href')) === undefined ? false : null)
    return [{ tag: 'a[href]', getAttrs: isSafe }]
  },

  renderHTML({ mark }) {
    const href = safeAddress(mark.attrs.href)
    return ['a', href === undefined ? {} : { href, rel: 'noopener noreferrer nofollow', target: '_blank' }, 0]
  },

  addInputRules() {
    return [
      new InputRule({
        find: TYPED_ADDRESS,
        handler: ({ state, range, match }) => {
          const href = safeAddress(match[1])
          if (href === undefined || match[1] === undefined) return
          // The rule runs before the space itself is in the document.
          const end = range.to
          const { tr } = state
          tr.addMark(end - match[1].length, end, this.type.create({ href }))
          tr.insertText(' ', end)
        },
      }),
    ]
  },

  addPasteRules() {
    return [
      markPasteRule({
        find: PASTED_ADDRESS,
        type: this.type,
        getAttributes: (match) => {
          const href = safeAddress(match[1])
          return href === undefined ? false : { href }
        },
      }),
    ]
  },
})
