import { join } from 'node:path'
import { Database } from '@hocuspocus/extension-database'
import { Server } from '@hocuspocus/server'
import { openDocumentStore } from './document-store.mjs'

// With its own defaults; with BENCH_DATA it stores documents through its database extension, into SQLite.
const folder = process.env.BENCH_DATA
const store = folder === undefined ? undefined : openDocumentStore(join(folder, 'hocuspocus.db'))
const extensions =
  store === undefined
    ? []
    : [
        new Database({
          fetch: async ({ documentName }) => store.read(documentName),
          store: async ({ documentName, state }) => store.write(documentName, state),
        }),
      ]

const server = new Server({
  address: process.env.HOST ?? '127.0.0.1',
  port: Number(process.env.PORT),
  quiet: true,
  extensions,
})
await server.listen()
console.log(`hocuspocus listening on ws://127.0.0.1:${server.address.port}`)
