import type { Command } from 'commander'
import WebSocket from 'ws'
import { EXIT, Failure } from '../failure.ts'
import { fetchLog } from '../sealed-log/fetch-log.ts'
import { type Inspection, Inspector } from '../sealed-log/inspection.ts'
import { readLogFile } from '../sealed-log/log-file.ts'
import { printTo, type Surroundings } from '../surroundings.ts'
import { addRelayFlags, addressOf, type RelayFlags } from './options.ts'

interface Flags extends Partial<RelayFlags> {
  readonly from?: string
  readonly json?: true
}

/** `y-sealed inspect`: what a relay holds of a document, without keys; exit code 1 if it is not one history. */
export function addInspect(program: Command, around: Surroundings): void {
  addRelayFlags(program.command('inspect'), false)
    .description('shows what the relay holds of a document, and computes its running hash anew; no keys are needed')
    .option('--from <file>', 'what y-sealed fetch has written, in place of --relay')
    .option('--json', 'the report as JSON')
    .action(async (flags: Flags) => {
      const inspection = await inspectionOf(flags, around)
      await printTo(around)(flags.json ? JSON.stringify(inspection, null, 2) : linesOf(inspection).join('\n'))
      if (inspection.faults.length > 0)
        throw new Failure('damaged', 'what the relay holds is not one history', EXIT.found)
    })
}

async function inspectionOf({ from, relay, doc, ...rest }: Flags, around: Surroundings): Promise<Inspection> {
  const inspector = new Inspector()
  if (from !== undefined && relay === undefined) await readLogFile(from, (message) => inspector.take(message))
  else if (from === undefined && relay !== undefined && doc !== undefined) {
    await fetchLog(addressOf({ ...rest, relay, doc }, around), WebSocket, { all: true }, (message) =>
      inspector.take(message),
    )
  } else throw new Failure('usage', 'expected --relay and --doc, or --from', EXIT.usage)
  return inspector.report()
}

function linesOf({
  sequence,
  hash,
  pruned,
  epochs,
  checkpoints,
  kinds,
  sealers,
  verified,
  faults,
}: Inspection): string[] {
  const kept = pruned === 0 ? 'all of it kept' : `kept behind ${pruned}`
  return [
    `log          through ${sequence}, hash ${hash || 'none'}, ${kept}`,
    ...epochs.map(
      (epoch) =>
        `epoch ${String(epoch.index).padEnd(6)} ${epoch.from} to ${epoch.to}, ${epoch.entries} entries read, ${epoch.bytes} bytes, record ${epoch.record}, hint ${epoch.keyHint}${epoch.isStretched ? ', a key that can be guessed' : ''}`,
    ),
    ...checkpoints.map(
      ({ checkpoint, sequence: at, bytes }) => `checkpoint   through ${at}, ${bytes} bytes, ${checkpoint}`,
    ),
    ...Object.entries(kinds).map(
      ([kind, { entries, bytes }]) => `${kind.padEnd(12)} ${entries} entries, ${bytes} bytes`,
    ),
    `sealers      ${sealers}`,
    `hash         ${verified} entries computed anew`,
    ...faults.map((fault) => `FAULT        ${fault}`),
  ]
}
