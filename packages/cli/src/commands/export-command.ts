import { writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import WebSocket from 'ws'
import { FORMATS, type FormatName } from '../document/formats.ts'
import { type OpenedDocument, openSealedLog } from '../document/open-sealed-log.ts'
import { EXIT, Failure } from '../failure.ts'
import { fetchLog } from '../sealed-log/fetch-log.ts'
import { loadLogFile } from '../sealed-log/log-file.ts'
import { SealedLog } from '../sealed-log/sealed-log.ts'
import type { Surroundings } from '../surroundings.ts'
import {
  addKeyFlags,
  addRelayFlags,
  addressOf,
  type KeyFlags,
  keySourceOf,
  type RelayFlags,
  wholeNumberOf,
} from './options.ts'

/** Only its owner: it is the document in clear. */
const FILE_MODE = 0o600

interface Flags extends Partial<RelayFlags>, KeyFlags {
  readonly from?: string
  readonly format: FormatName
  readonly root?: string
  readonly out?: string
  readonly epoch?: number
  readonly at?: number
}

/** `y-sealed export`: a document in clear, from a relay or from a file that `fetch` has written. */
export function addExport(program: Command, around: Surroundings): void {
  addKeyFlags(addRelayFlags(program.command('export'), false))
    .description('opens a document with its keys and writes it in clear; changes nothing at the relay')
    .option('--from <file>', 'what y-sealed fetch has written, in place of --relay')
    .addOption(new Option('--format <name>', 'as what').choices(Object.keys(FORMATS)).default('update'))
    .option('--root <name>', 'this shared type only (text, json)')
    .option('--epoch <index>', 'as it was at the end of this epoch', wholeNumberOf)
    .option('--at <sequence>', 'and after this sequence of it', wholeNumberOf)
    .option('--out <file>', 'the file, which must not exist; else standard output')
    .action(async (flags: Flags) => {
      const { doc, warnings } = await openedBy(flags, around)
      for (const { code, message } of warnings) around.warn(`y-sealed: ${code}: ${message}`)
      const bytes = FORMATS[flags.format](doc, flags.root)
      if (flags.out === undefined) await around.write(bytes)
      else writeOnce(flags.out, bytes)
      const [first] = warnings.filter(({ code }) => !code.startsWith('key-') && code !== 'pruned')
      if (first !== undefined)
        throw new Failure(first.code, 'it was written, but not all of it may be there', EXIT.contradiction)
    })
}

async function openedBy(flags: Flags, around: Surroundings): Promise<OpenedDocument> {
  const { from, relay, doc: room, epoch, at, timeout: timeoutMs } = flags
  if ((from === undefined) === (relay === undefined || room === undefined)) {
    throw new Failure('usage', 'expected --relay and --doc, or --from', EXIT.usage)
  }
  const common = {
    keys: keySourceOf(flags, around),
    timeoutMs,
    ...(epoch !== undefined && { past: { epoch, ...(at !== undefined && { at }) } }),
  }
  if (from !== undefined) {
    const { head, log } = await loadLogFile(from)
    return openSealedLog(log, { ...common, documentId: flags.documentId ?? room ?? head.room, isLive: false })
  }
  if (relay === undefined || room === undefined) throw new Failure('usage', 'expected --relay and --doc', EXIT.usage)
  const log = new SealedLog()
  await fetchLog(
    addressOf({ ...flags, relay, doc: room }, around),
    WebSocket,
    { all: epoch !== undefined },
    (message) => log.take(message),
  )
  return openSealedLog(log, { ...common, documentId: flags.documentId ?? room, isLive: true })
}

function writeOnce(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes, { mode: FILE_MODE, flag: 'wx' })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new Failure('usage', `${path} cannot be written (${code})`, EXIT.usage)
  }
}
