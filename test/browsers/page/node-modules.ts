// What the tests ask of Node's own modules, answered by a page.
import { sha256 } from '@noble/hashes/sha2.js'

/** Files come from the server, at once: the tests' titles are made of them. */
export function readFileSync(url: URL | string): string {
  const request = new XMLHttpRequest()
  request.open('GET', new URL(url, location.href), false)
  request.send()
  if (request.status !== 200) throw new Error(`${url} answered ${request.status}`)
  return request.responseText
}

export function createHash() {
  const hash = sha256.create()
  const made = {
    update(bytes: Uint8Array) {
      hash.update(bytes)
      return made
    },
    digest: (encoding?: 'hex') => {
      const digest = hash.digest()
      return encoding === 'hex' ? Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') : digest
    },
  }
  return made
}

/** As test/support/shared-data.ts: nothing where the file is absent. */
export function sharedData(name: string): string | undefined {
  const url = `/shared/${name}`
  try {
    readFileSync(url)
    return url
  } catch {
    return undefined
  }
}

/** There is none in a browser. */
export const nodeEngine = undefined
