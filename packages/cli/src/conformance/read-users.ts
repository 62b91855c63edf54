import { readFileSync } from 'node:fs'
import { membersOf } from './dialect.ts'
import type { Headers, Users } from './target.ts'

const NAMES = ['writer', 'colleague', 'reader', 'outsider', 'invalid'] as const

/**
 * `{"writer": {"authorization": "Bearer …"}, …}` from a file, so that no token stands in a list of processes.
 * @throws TypeError that names the part, never what it holds
 */
export function readUsers(path: string): Users {
  const users = membersOf(parseJson('--users', textOf(path)))
  for (const name of Object.keys(users)) {
    if (!NAMES.some((known) => known === name))
      throw new TypeError(`--users: unknown user; they are ${NAMES.join(', ')}`)
  }
  const found: Partial<Record<(typeof NAMES)[number], Headers>> = {}
  for (const name of NAMES)
    if (users[name] !== undefined) found[name] = headersOf(`--users: a header of "${name}"`, users[name])
  return { writer: {}, ...found }
}

/** `{"authorization": "Bearer …"}`. Throws TypeError that names `where`, never what it holds. */
export function readHeaders(where: string, text: string): Headers {
  return headersOf(`${where}: a header`, parseJson(where, text))
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw new TypeError(`--users: the file cannot be read${code}`)
  }
}

function parseJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own error quotes its input.
    throw new TypeError(`${where} is not JSON`)
  }
}

function headersOf(where: string, value: unknown): Headers {
  const headers: Record<string, string> = {}
  for (const [header, text] of Object.entries(membersOf(value))) {
    if (typeof text !== 'string') throw new TypeError(`${where} is not text`)
    headers[header.toLowerCase()] = text
  }
  return headers
}
