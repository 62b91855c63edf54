#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { accessTokens } from './access-tokens.ts'
import { type CommandOptions, createCommand } from './command.ts'
import { createKeyServer } from './key-server.ts'

async function serve({
  data,
  port,
  host,
  origins,
  tokenSecretFile,
  rotateAfter,
  dialects,
}: CommandOptions): Promise<void> {
  const server = await createKeyServer({
    data,
    port,
    host,
    ...(rotateAfter === undefined ? {} : { rotateAfter }),
    ...(origins === undefined ? {} : { origins }),
    ...(dialects === undefined ? {} : { dialects }),
    ...(tokenSecretFile === undefined ? {} : { authorize: accessTokens({ secret: readSecret(tokenSecretFile) }) }),
  })
  process.stdout.write(`y-sealed-keys listening on ${server.url}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void server.close().then(() => process.exit(0)))
  }
}

/** The line break that editors and `openssl rand` leave at the end is not part of the secret. */
function readSecret(path: string): string {
  return readFileSync(path, 'utf8').trim()
}

const print = (line: string): void => void process.stdout.write(`${line}\n`)

createCommand(serve, print)
  .parseAsync(process.argv)
  .catch((error: unknown) => {
    process.stderr.write(`y-sealed-keys: ${error instanceof Error ? error.message : 'cannot start'}\n`)
    process.exit(1)
  })
