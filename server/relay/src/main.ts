#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { accessTokens } from './auth/access-tokens.ts'
import { type CommandOptions, parseCommand } from './command.ts'
import { createRelay } from './create-relay.ts'

async function main({ data, port, host, origins, tokenSecretFile, retention }: CommandOptions): Promise<void> {
  const relay = await createRelay({
    data,
    port,
    host,
    retention,
    ...(origins && { origins }),
    ...(tokenSecretFile !== undefined && { auth: accessTokens({ secret: readSecret(tokenSecretFile) }) }),
  })
  process.stdout.write(`y-sealed-relay listening on ${relay.url}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void relay.close().then(() => process.exit(0)))
  }
}

/** Editors and `openssl rand` end a file with a line break that is no part of the secret. */
function readSecret(path: string): string {
  return readFileSync(path, 'utf8').trim()
}

main(parseCommand(process.argv)).catch((error: unknown) => {
  process.stderr.write(`y-sealed-relay: ${error instanceof Error ? error.message : 'cannot start'}\n`)
  process.exit(1)
})
