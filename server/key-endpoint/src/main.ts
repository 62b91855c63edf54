#!/usr/bin/env node
import { accessTokens } from './access-tokens.ts'
import { auditFile } from './audit.ts'
import { createCommand } from './command/command.ts'
import { readSecretFile } from './command/secret-file.ts'
import type { ServeOptions } from './command/serve-options.ts'
import { masterKeysOf, methodOf } from './command/store-options.ts'
import { createKeyServer } from './key-server.ts'

async function serve(options: ServeOptions): Promise<void> {
  const { data, port, host, origins, tokenSecretFile, rotateAfter, dialects, productionMethod } = options
  const masterKeys = await masterKeysOf(options)
  const server = await createKeyServer({
    data,
    port,
    host,
    method: methodOf(options),
    ...(masterKeys && { masterKeys }),
    ...(productionMethod === undefined ? {} : { productionMethod }),
    ...(options.auditFile === undefined ? {} : { audit: auditFile(options.auditFile) }),
    ...(rotateAfter === undefined ? {} : { rotateAfter }),
    ...(origins === undefined ? {} : { cors: origins }),
    ...(dialects === undefined ? {} : { dialects }),
    // The line break that editors and `openssl rand` leave at the end is not part of the secret.
    ...(tokenSecretFile === undefined
      ? {}
      : { authorize: accessTokens({ secret: readSecretFile('--token-secret-file', tokenSecretFile).trim() }) }),
  })
  process.stdout.write(`y-sealed-keys listening on ${server.url}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void server.close().then(() => process.exit(0)))
  }
}

const print = (line: string): void => void process.stdout.write(`${line}\n`)

createCommand(serve, print)
  .parseAsync(process.argv)
  .catch((error: unknown) => {
    process.stderr.write(`y-sealed-keys: ${error instanceof Error ? error.message : 'cannot start'}\n`)
    process.exit(1)
  })
