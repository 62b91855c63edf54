import { fromBase64, toBase64url } from './base64url.ts'
import { KeyError } from './key-error.ts'
import type { KeySource } from './key-source.ts'
import { refuseUnknownOptions } from './known-options.ts'

/** As long as `generateKey` makes them: a link that lost its end somewhere is noticed. */
const KEY_BYTES = 32

const DEFAULT_NAME = 'key'

export interface FragmentKeyOptions {
  /** Its name in the fragment, `#key=…` by default. */
  readonly name?: string
  /** The fragment, with or without `#`. Default: of the page's address, whenever a key is asked for. */
  readonly fragment?: string | (() => string)
}

const OPTION_NAMES = ['name', 'fragment'] as const satisfies (keyof FragmentKeyOptions)[]

/**
 * The key of a share link, `https://app.example/doc-1#key=…`, which browsers send to no server. Whoever has the link has
 * the document: it cannot rotate, and its hint is `""`. Without a key in the fragment: `key-missing`; with half of one: `key-invalid`.
 */
export function fragmentKey(options: FragmentKeyOptions = {}): KeySource {
  refuseUnknownOptions('fragmentKey', options, OPTION_NAMES)
  const { name = DEFAULT_NAME, fragment = () => globalThis.location?.hash ?? '' } = options
  return ({ keyHint }) => {
    if (keyHint !== null && keyHint !== '') {
      throw new KeyError('key-unknown', 'the document was sealed under another hint than the key of a link has')
    }
    const text = typeof fragment === 'function' ? fragment() : fragment
    const key = parametersOf(text).get(name)
    if (key === null) throw new KeyError('key-missing', 'the address has no key in its fragment')
    if (!isWholeKey(key)) throw new KeyError('key-invalid', 'the key in the address is not whole', { fault: 'caller' })
    return { key, keyHint: '' }
  }
}

/**
 * The address with the key in its fragment; whatever else is there stays.
 * @param key as `generateKey` makes it
 * @throws KeyError `key-invalid`; TypeError for what is no absolute URL
 */
export function shareLink(url: string | URL, key: string, name: string = DEFAULT_NAME): string {
  if (!isWholeKey(key)) {
    throw new KeyError('key-invalid', 'shareLink: expected 32 bytes in base64url, as generateKey makes them', {
      fault: 'caller',
    })
  }
  const link = new URL(url)
  const parameters = parametersOf(link.hash)
  parameters.set(name, key)
  link.hash = String(parameters)
  return link.href
}

function parametersOf(fragment: string): URLSearchParams {
  return new URLSearchParams(fragment.replace(/^#/, ''))
}

function isWholeKey(key: string): boolean {
  const bytes = fromBase64(key)
  return bytes?.length === KEY_BYTES && toBase64url(bytes) === key
}
