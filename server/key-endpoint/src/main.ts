#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { accessTokens } from './access-tokens.ts'
import { type CommandOptions, parseCommand } from './command.ts'
import { createKeyServer } from './key-server.ts'

async function main({ data, port, host, origins, tokenSecretFile }: CommandOptions): Promise<void> {
  const server = await createKeyServer({
    data,
    port,
    host,
    ...(origins === undefined ? {} : { origins }),
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

main(parseCommand(process.argv)).catch((error: unknown) => {
  process.stderr.write(`y-sealed-keys: ${error instanceof Error ? error.message : 'cannot start'}\n`)
  process.exit(1)
})
