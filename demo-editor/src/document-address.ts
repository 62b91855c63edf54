import { fragmentKey, shareLink } from 'y-sealed'

/** As the demo server takes it (server/request-fields.ts). */
const DOCUMENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

export const WELCOME = 'welcome'

export const isDocumentName = (name: string): boolean => DOCUMENT_NAME.test(name)

/** What the address says behind `#`, which browsers send to no server: `/NAME`, or `doc=NAME&key=KEY` where the link holds the key. */
export interface DocumentAddress {
  readonly name: string
  readonly hasKey: boolean
}

export function readAddress(): DocumentAddress {
  const fragment = location.hash.replace(/^#\/?/, '')
  const parts = new URLSearchParams(fragment)
  const name = parts.get('doc') ?? fragment
  return { name: isDocumentName(name) ? name : WELCOME, hasKey: parts.has('key') }
}

/** @param key of a document whose link holds it */
export function addressOf(name: string, key?: string): string {
  const page = location.origin + location.pathname + location.search
  return key === undefined ? `${page}#/${name}` : shareLink(`${page}#doc=${name}`, key)
}

export const keyInAddress = fragmentKey
