import { join } from 'node:path'
import { compiledFolder, peersFolder, projectRoot } from './places.ts'
import type { ServerCommand, ServerKind, ServerSettings } from './server-kind.ts'

/** The command of each server, all on loopback and on a port of the system's choice unless told otherwise. */
export function commandOf(
  kind: ServerKind,
  { dataFolder, port, isPersistent, durability }: ServerSettings,
): ServerCommand {
  const env = { HOST: '127.0.0.1', PORT: String(port) }
  const persistent = isPersistent ? { BENCH_DATA: dataFolder } : {}
  switch (kind) {
    case 'y-sealed':
      return {
        script: join(projectRoot, 'server/relay/dist/main.js'),
        // What the server can do is measured, not what one session may.
        args: [
          ...['--port', String(port), '--data', dataFolder, '--limit', 'appendBurst=1e9,appendsPerSecond=1e9'],
          ...(durability ? ['--durability', durability] : []),
        ],
        // As its unit and its container file start it.
        env: { NODE_OPTIONS: '--max-semi-space-size=4' },
      }
    case 'y-websocket':
      return {
        script: join(compiledFolder, 'servers/run-y-websocket.js'),
        args: [],
        env: { ...env, ...(isPersistent ? { YPERSISTENCE: dataFolder } : {}) },
      }
    case 'hocuspocus':
      return { script: join(peersFolder, 'run-hocuspocus.mjs'), args: [], env: { ...env, ...persistent } }
    case 'secsync':
      return { script: join(peersFolder, 'run-secsync.mjs'), args: [], env: { ...env, BENCH_DATA: dataFolder } }
    case 'forwarder':
      return { script: join(compiledFolder, 'servers/run-forwarder.js'), args: [], env }
  }
}
