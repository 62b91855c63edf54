import { type Command, InvalidArgumentError } from 'commander'
import { fragmentKey, type KeySource, keyEndpoint, passphrase, staticKey } from 'y-sealed'
import { readHeaders } from '../conformance/read-users.ts'
import { EXIT, Failure } from '../failure.ts'
import type { RoomAddress } from '../sealed-log/room-reader.ts'
import type { Surroundings } from '../surroundings.ts'
import { readInput, readSecret } from './secrets.ts'

/** A relay and an endpoint that are there have answered in a hundredth of it; a large document on a bad line may take the most of it. */
const DEFAULT_TIMEOUT_MS = 120_000

export interface RelayFlags {
  readonly relay: string
  readonly doc: string
  readonly tokenFile?: string
  readonly allowInsecure?: boolean
}

export interface KeyFlags {
  readonly keys?: string
  readonly keysHeaders?: string
  readonly keyFile?: string
  readonly keyHint: string
  readonly passphraseFile?: string
  readonly linkFile?: string
  readonly documentId?: string
  readonly timeout: number
}

/** Which room at which relay. */
export function addRelayFlags(command: Command, isRequired = true): Command {
  const add = (flags: string, about: string) =>
    isRequired ? command.requiredOption(flags, about) : command.option(flags, about)
  add('--relay <url>', 'wss://relay.example; ws:// on this machine')
  add('--doc <name>', 'the room, which is the document id unless --document-id says otherwise')
  return command
    .option('--token-file <file>', "the relay's access token; or the variable Y_SEALED_TOKEN")
    .option('--allow-insecure', 'ws:// to another machine')
}

/** Where its keys come from. */
export function addKeyFlags(command: Command): Command {
  return command
    .option('--keys <url>', 'the key endpoint')
    .option('--keys-headers <file>', 'JSON: headers for it; or the variable Y_SEALED_KEYS_AUTHORIZATION')
    .option('--key-file <file>', 'the key itself, or the variable Y_SEALED_KEY')
    .option('--key-hint <hint>', 'the hint of that key', '')
    .option('--passphrase-file <file>', 'words for a key; or the variable Y_SEALED_PASSPHRASE')
    .option('--link-file <file>', 'a share link, or the variable Y_SEALED_LINK')
    .option('--document-id <id>', 'what keys are bound to, where it is not the room')
    .option('--timeout <ms>', 'how long to wait for the document', millisecondsOf, DEFAULT_TIMEOUT_MS)
}

export function addressOf(
  { relay, doc, tokenFile, allowInsecure = false }: RelayFlags,
  around: Surroundings,
): RoomAddress {
  return { relay, room: doc, token: readSecret(around, tokenFile, 'Y_SEALED_TOKEN') ?? '', allowInsecure }
}

/** Exactly one source. Throws Failure `usage`, TypeError, KeyError. */
export function keySourceOf(flags: KeyFlags, around: Surroundings): KeySource {
  const key = readSecret(around, flags.keyFile, 'Y_SEALED_KEY')
  const words = readSecret(around, flags.passphraseFile, 'Y_SEALED_PASSPHRASE')
  const link = readSecret(around, flags.linkFile, 'Y_SEALED_LINK')
  const sources = [
    ...(flags.keys === undefined ? [] : [keyEndpoint(flags.keys, { headers: headersOf(flags.keysHeaders, around) })]),
    ...(key === undefined ? [] : [staticKey(key, flags.keyHint)]),
    ...(words === undefined ? [] : [passphrase(words)]),
    ...(link === undefined ? [] : [fragmentKey({ fragment: link.slice(link.indexOf('#') + 1) })]),
  ]
  const [source, ...more] = sources
  if (source !== undefined && more.length === 0) return source
  const expected = 'expected one of --keys, --key-file, --passphrase-file, --link-file, or their variables'
  throw new Failure('usage', `${expected}; got ${sources.length}`, EXIT.usage)
}

/** Of whoever asks a key endpoint. Throws Failure. */
export function headersOf(path: string | undefined, around: Surroundings): Record<string, string> {
  if (path !== undefined) return readHeaders('--keys-headers', readInput(around, path).toString('utf8'))
  const authorization = around.env.Y_SEALED_KEYS_AUTHORIZATION
  return authorization === undefined ? {} : { authorization }
}

export function millisecondsOf(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number of milliseconds.')
  return value
}

export function wholeNumberOf(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number.')
  return value
}
