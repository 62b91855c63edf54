import { existsSync } from 'node:fs'
import type { Joined } from '@y-sealed/protocol'
import type { Command } from 'commander'
import WebSocket from 'ws'
import { EXIT, Failure } from '../failure.ts'
import { fetchLog } from '../sealed-log/fetch-log.ts'
import { LogFileWriter } from '../sealed-log/log-file.ts'
import { printTo, type Surroundings } from '../surroundings.ts'
import { addRelayFlags, addressOf, type RelayFlags } from './options.ts'

interface Flags extends RelayFlags {
  readonly out: string
  readonly all?: true
}

/** `y-sealed fetch`: a document's sealed log as a file, without keys. */
export function addFetch(program: Command, around: Surroundings): void {
  addRelayFlags(program.command('fetch'))
    .description(
      'writes what the relay holds of a document to a file, sealed: no keys are needed, and export --from opens it later',
    )
    .requiredOption('--out <file>', 'the file, which must not exist')
    .option('--all', 'all that is kept, of all epochs; else what the document as it is now takes')
    .action(async (flags: Flags) => {
      const { out, all = false, doc: room } = flags
      if (existsSync(out)) throw new Failure('usage', `${out} exists`, EXIT.usage)
      const address = addressOf(flags, around)
      const file = await LogFileWriter.create(out, { room, fetchedAtUnixMs: Date.now() })
      try {
        let end: Joined | undefined
        await fetchLog(address, WebSocket, { all }, async (message) => {
          if (message.type === 'joined') end = message
          await file.take(message)
        })
        await file.finish(end?.sequence ?? 0, end?.hash ?? new Uint8Array(0))
        await printTo(around)(`${file.bytes} bytes, through sequence ${end?.sequence ?? 0}`)
      } catch (error) {
        await file.discard()
        throw error
      }
    })
}
