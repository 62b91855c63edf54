import { KeyError } from './key-error.ts'

/** A key of ordinary length with its hint is below 1 KiB; a page that a wrong URL serves is not. */
export const MAX_ANSWER_BYTES = 64 * 1024

/**
 * The JSON of an answer, read as a stream up to 64 KiB.
 * @throws KeyError `key-invalid`, with no part of the body in it: a parser's own error would quote it
 */
export async function readAnswerBody(response: Response): Promise<unknown> {
  const bytes = await readBytes(response)
  try {
    // fatal: a replaced byte would be another key.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new KeyError('key-invalid', `the key endpoint's answer of ${bytes.length} bytes is not JSON in UTF-8`)
  }
}

async function readBytes(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    length += read.value.length
    if (length > MAX_ANSWER_BYTES) {
      // Not awaited: an endpoint that never ends must not hold the error back.
      void reader?.cancel().catch(() => {})
      throw new KeyError('key-invalid', `the key endpoint's answer is longer than ${MAX_ANSWER_BYTES} bytes`)
    }
    chunks.push(read.value)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
