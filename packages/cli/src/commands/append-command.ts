import type { Command } from 'commander'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { withLiveDocument } from '../document/live-document.ts'
import { EXIT, Failure } from '../failure.ts'
import { fromUpdate } from '../import/sources.ts'
import type { Surroundings } from '../surroundings.ts'
import { addKeyFlags, addRelayFlags, addressOf, type KeyFlags, keySourceOf, type RelayFlags } from './options.ts'
import { readInput } from './secrets.ts'

interface Flags extends RelayFlags, KeyFlags {
  readonly text?: string
  readonly map?: string
  readonly array?: string
  readonly update?: string
  readonly input: string
}

/** `y-sealed append`: writes into a document, without a browser. */
export function addAppend(program: Command, around: Surroundings): void {
  addKeyFlags(addRelayFlags(program.command('append')))
    .description('writes what it reads into a document, and ends when the relay has it on disk')
    .option('--text <name>', 'at the end of this text')
    .option('--map <name>', 'JSON object: its members, into this map')
    .option('--array <name>', 'JSON array: its items, at the end of this array')
    .option('--update <file>', 'one Yjs V1 update')
    .option('--input <file>', 'what is written; - is standard input', '-')
    .action(async (flags: Flags) => {
      const change = changeOf(flags, around)
      const live = {
        ...addressOf(flags, around),
        keys: keySourceOf(flags, around),
        documentId: flags.documentId ?? flags.doc,
        timeoutMs: flags.timeout,
      }
      await withLiveDocument(live, WebSocket, async ({ doc }) => doc.transact(() => change(doc)))
    })
}

function changeOf({ text, map, array, update, input }: Flags, around: Surroundings): (doc: Y.Doc) => void {
  if ([text, map, array, update].filter((target) => target !== undefined).length !== 1) {
    throw new Failure('usage', 'expected one of --text, --map, --array, --update', EXIT.usage)
  }
  if (update !== undefined) {
    const bytes = fromUpdate(readInput(around, update))
    return (doc) => Y.applyUpdate(doc, bytes)
  }
  const words = readInput(around, input).toString('utf8')
  if (text !== undefined) return (doc) => doc.getText(text).insert(doc.getText(text).length, words)
  const value = parseInput(words)
  if (array !== undefined && Array.isArray(value)) return (doc) => doc.getArray(array).push(value)
  if (map !== undefined && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return (doc) => {
      for (const [key, member] of Object.entries(value)) doc.getMap(map).set(key, member)
    }
  }
  throw new Failure('usage', `expected a JSON ${map === undefined ? 'array' : 'object'}`, EXIT.usage)
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own error quotes its input.
    throw new Failure('usage', 'what was read is not JSON', EXIT.usage)
  }
}
