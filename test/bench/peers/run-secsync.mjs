import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { WebSocketServer } from 'ws'

// The ES modules of libsodium-wrappers lack a file; its CommonJS ones do not.
const require = createRequire(import.meta.url)
const sodium = require('libsodium-wrappers')
const { createWebSocketConnection } = require('secsync-server')

// Its server leaves storage to the app. This one stores each update durably before it is confirmed, as y-sealed does.
await sodium.ready
const database = new DatabaseSync(join(process.env.BENCH_DATA ?? '.', 'secsync.db'))
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
database.exec('CREATE TABLE updates (document TEXT NOT NULL, message TEXT NOT NULL)')
const insert = database.prepare('INSERT INTO updates (document, message) VALUES (?, ?)')

// Held on to: a statement whose database was garbage collected takes the process down.
process.once('exit', () => database.close())

const connect = createWebSocketConnection({
  getDocument: async () => ({ updates: [], snapshotProofChain: [] }),
  createSnapshot: async ({ snapshot }) => snapshot,
  createUpdate: async ({ update }) => {
    insert.run(update.publicData.docId, JSON.stringify(update))
    return update
  },
  hasAccess: async () => true,
  hasBroadcastAccess: async ({ websocketSessionKeys }) => websocketSessionKeys.map(() => true),
  logging: 'error',
})

const server = createServer()
const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket, request) => void connect(socket, request))
server.listen(Number(process.env.PORT), process.env.HOST ?? '127.0.0.1', () => {
  console.log(`secsync listening on ws://127.0.0.1:${server.address().port}`)
})
