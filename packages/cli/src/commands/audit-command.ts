import { parseKeyHint } from '@y-sealed/key-client/contract'
import type { Command } from 'commander'
import { EXIT, type ExitCode, Failure } from '../failure.ts'
import { printTo, type Surroundings } from '../surroundings.ts'
import { headersOf, millisecondsOf } from './options.ts'
import { readSecret } from './secrets.ts'

/** Both answer from a few rows. */
const DEFAULT_TIMEOUT_MS = 10_000

const STATES = ['active', 'inactive', 'shredded', 'lost'] as const

interface Flags {
  readonly relay: string
  readonly doc: string
  readonly adminTokenFile?: string
  readonly keys: string
  readonly keysHeaders?: string
  readonly documentId?: string
  readonly timeout: number
  readonly json?: true
}

/** A key of the endpoint, and whether the relay's log still needs it. `MISSING`: it does, and the key cannot be had. */
interface AuditedKey {
  readonly keyHint: string
  readonly state: (typeof STATES)[number] | 'unknown'
  readonly epochs: readonly number[]
  readonly verdict: 'in use' | 'still needed' | 'may go' | 'unknown to the relay' | 'gone' | 'MISSING'
}

/** `y-sealed audit`: which keys of a document the relay's log still needs, before an old one is shredded; exit code 1 if one is missing. */
export function addAudit(program: Command, around: Surroundings): void {
  program
    .command('audit')
    .description('asks a relay which keys of a document its log still needs, before an old one may be shredded')
    .requiredOption('--relay <url>', 'https://relay.example, where its /admin/ is; http:// on this machine')
    .requiredOption('--doc <name>', 'the room, which is the document id unless --document-id says otherwise')
    .requiredOption('--keys <url>', 'the key endpoint')
    .option('--admin-token-file <file>', "the relay operator's token; or the variable Y_SEALED_ADMIN_TOKEN")
    .option(
      '--keys-headers <file>',
      'JSON: headers of an admin of the document; or the variable Y_SEALED_KEYS_AUTHORIZATION',
    )
    .option('--document-id <id>', 'what keys are bound to, where it is not the room')
    .option('--timeout <ms>', 'how long to wait for an answer', millisecondsOf, DEFAULT_TIMEOUT_MS)
    .option('--json', 'the report as JSON')
    .action(async (flags: Flags) => {
      const keys = await audit(flags, around)
      await printTo(around)(flags.json ? JSON.stringify({ keys }, null, 2) : linesOf(keys).join('\n'))
      if (keys.some(({ verdict }) => verdict === 'MISSING')) {
        throw new Failure('key-missing', 'the log needs a key that the endpoint does not have', EXIT.found)
      }
    })
}

async function audit(flags: Flags, around: Surroundings): Promise<AuditedKey[]> {
  const token = readSecret(around, flags.adminTokenFile, 'Y_SEALED_ADMIN_TOKEN')
  if (token === undefined) throw new Failure('usage', 'expected --admin-token-file, or its variable', EXIT.usage)
  const epochsUrl = new URL('/admin/epochs', secured('--relay', flags.relay.replace(/^ws/, 'http')))
  const relay = await post(epochsUrl, { room: flags.doc }, { authorization: `Bearer ${token}` }, flags, EXIT.relay)
  const listUrl = secured('--keys', `${flags.keys.replace(/\/$/, '')}/list`)
  const headers = headersOf(flags.keysHeaders, around)
  const endpoint = await post(listUrl, { documentId: flags.documentId ?? flags.doc }, headers, flags, EXIT.keys)
  return compare(listOf(relay, 'epochs').map(parseEpoch), listOf(endpoint, 'keys').map(parseListedKey))
}

interface Epoch {
  readonly index: number
  readonly keyHint: string
  readonly isNeeded: boolean
}

interface ListedKey {
  readonly keyHint: string
  readonly state: (typeof STATES)[number]
}

function compare(epochs: readonly Epoch[], listed: readonly ListedKey[]): AuditedKey[] {
  const unlisted = epochs.filter(({ keyHint }) => !listed.some((key) => key.keyHint === keyHint))
  const hints = new Set(unlisted.map(({ keyHint }) => keyHint))
  const keys = [...[...hints].map((keyHint) => ({ keyHint, state: 'unknown' as const })), ...listed]
  return keys.map(({ keyHint, state }) => {
    const its = epochs.filter((epoch) => epoch.keyHint === keyHint)
    return { keyHint, state, epochs: its.map(({ index }) => index), verdict: verdictOf(state, its) }
  })
}

function verdictOf(state: AuditedKey['state'], epochs: readonly Epoch[]): AuditedKey['verdict'] {
  const isNeeded = epochs.some((epoch) => epoch.isNeeded)
  if (state === 'active') return 'in use'
  if (state !== 'inactive') return isNeeded ? 'MISSING' : 'gone'
  if (isNeeded) return 'still needed'
  // A key that was asked for and never used, or one whose epoch this relay has never seen: another relay may have it.
  return epochs.length > 0 ? 'may go' : 'unknown to the relay'
}

function linesOf(keys: readonly AuditedKey[]): string[] {
  if (keys.length === 0) return ['no key and no epoch: neither has heard of this document']
  return keys.map(({ verdict, state, epochs, keyHint }) => {
    const where = epochs.length === 0 ? 'no epoch' : `epoch ${epochs.join(', ')}`
    return `${verdict.padEnd(21)} ${state.padEnd(9)} ${where.padEnd(12)} ${JSON.stringify(keyHint)}`
  })
}

/** An operator's token goes to this machine or over TLS. Throws Failure, without the URL, which may have a password. */
function secured(flag: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '')
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere)) return url
  throw new Failure('usage', `${flag}: expected an https URL, or http to this machine`, EXIT.usage)
}

async function post(
  url: URL,
  body: object,
  headers: Readonly<Record<string, string>>,
  { timeout }: Flags,
  exitCode: ExitCode,
): Promise<unknown> {
  const who = exitCode === EXIT.relay ? 'relay' : 'key endpoint'
  let answer: Response
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(timeout),
    })
    if (answer.ok) return await answer.json()
  } catch {
    throw new Failure('no-answer', `the ${who} does not answer`, exitCode)
  }
  throw new Failure('refused', `the ${who} answers ${answer.status}`, exitCode)
}

function listOf(answer: unknown, name: string): unknown[] {
  const list = membersOf(answer)[name]
  if (!Array.isArray(list)) throw unexpected()
  return list
}

function parseEpoch(value: unknown): Epoch {
  const { index, keyHint, isNeeded } = membersOf(value)
  if (typeof index !== 'number' || typeof isNeeded !== 'boolean') throw unexpected()
  // A record that the relay cannot read names no key: nothing can be said to be dispensable.
  if (keyHint === null)
    throw new Failure('unreadable', `epoch ${index} of the relay has no readable record`, EXIT.found)
  return { index, keyHint: parseKeyHint('keyHint', keyHint), isNeeded }
}

function parseListedKey(value: unknown): ListedKey {
  const { keyHint, state } = membersOf(value)
  const known = STATES.find((name) => name === state)
  if (known === undefined) throw unexpected()
  return { keyHint: parseKeyHint('keyHint', keyHint), state: known }
}

function membersOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw unexpected()
  // Any object may be read by name; each member is then parsed as unknown.
  return value as Record<string, unknown>
}

const unexpected = () => new Failure('malformed', 'an answer is not what this command knows', EXIT.usage)
