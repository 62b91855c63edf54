import type { Command } from 'commander'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { withLiveDocument } from '../document/live-document.ts'
import { EXIT, Failure } from '../failure.ts'
import { fromHocuspocus, fromLevelDb, fromUpdate } from '../import/sources.ts'
import { printTo, type Surroundings } from '../surroundings.ts'
import { addKeyFlags, addRelayFlags, addressOf, type KeyFlags, keySourceOf, type RelayFlags } from './options.ts'
import { readInput } from './secrets.ts'

interface Flags extends RelayFlags, KeyFlags {
  readonly update?: string
  readonly leveldb?: string
  readonly hocuspocus?: string
  readonly name?: string
  readonly merge?: true
}

/** `y-sealed import`: seals a document that another server has, into the relay. */
export function addImport(program: Command, around: Surroundings): void {
  addKeyFlags(addRelayFlags(program.command('import')))
    .description('seals an existing Yjs document into the relay; nothing is changed where it comes from')
    .option('--update <file>', 'one Yjs V1 update; - is standard input')
    .option('--leveldb <folder>', "y-websocket's YPERSISTENCE, while its server is stopped")
    .option('--hocuspocus <file>', "the database of Hocuspocus's SQLite extension")
    .option('--name <name>', 'what the document is called there, if not as in --doc')
    .option('--merge', 'even if the document has content already')
    .action(async (flags: Flags) => {
      const update = await sourceOf(flags, around)
      const live = {
        ...addressOf(flags, around),
        keys: keySourceOf(flags, around),
        documentId: flags.documentId ?? flags.doc,
        timeoutMs: flags.timeout,
      }
      await withLiveDocument(live, WebSocket, async ({ doc, flush, compact }) => {
        // Deleted content counts: a document that was emptied was somebody's.
        if (doc.store.clients.size > 0 && flags.merge !== true) {
          throw new Failure('has-content', 'the document has content; --merge puts this beside it', EXIT.found)
        }
        const isNew = !Y.snapshotContainsUpdate(Y.snapshot(doc), update)
        Y.applyUpdate(doc, update)
        await flush()
        // The next to open it reads one checkpoint, and not the parts that it came in.
        if (isNew) await compact()
      })
      await printTo(around)(`${update.length} bytes of Yjs are sealed and durable at the relay`)
    })
}

async function sourceOf({ update, leveldb, hocuspocus, name, doc }: Flags, around: Surroundings): Promise<Uint8Array> {
  if ([update, leveldb, hocuspocus].filter((source) => source !== undefined).length !== 1) {
    throw new Failure('usage', 'expected one of --update, --leveldb, --hocuspocus', EXIT.usage)
  }
  if (leveldb !== undefined) return fromLevelDb(leveldb, name ?? doc)
  return hocuspocus === undefined
    ? fromUpdate(readInput(around, update ?? '-'))
    : fromHocuspocus(hocuspocus, name ?? doc)
}
