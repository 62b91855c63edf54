#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { accessTokens } from './auth/access-tokens.ts'
import type { Authorize } from './auth/authorize.ts'
import { parseCommand, type RelayCommand } from './command.ts'
import { printedConfig } from './config/print-config.ts'
import type { Settings } from './config/settings.ts'
import { createRelay } from './create-relay.ts'
import { RelayError } from './errors.ts'
import { createLog } from './telemetry/log.ts'
import { keepUp } from './upkeep/upkeep.ts'

async function main(command: RelayCommand): Promise<void> {
  const { todo, settings } = command
  if (todo.act === 'run') {
    await run(settings)
  } else if (todo.act === 'print-config') {
    process.stdout.write(printedConfig(command))
  } else {
    const { report, exitCode } = await keepUp(todo, settings)
    process.stdout.write(report)
    process.exitCode = exitCode
  }
}

async function run(settings: Settings): Promise<void> {
  const { data, store, partitions, bus, port, host, durability, origins, trustedProxies, retention, limits, logLevel } =
    settings
  const auth = authOf(settings)
  const admin = adminOf(settings)
  const relay = await createRelay({
    ...{ port, host, partitions, durability, retention, limits },
    ...(store === undefined ? { data } : { store }),
    ...(bus === undefined ? {} : { bus }),
    log: createLog(logLevel),
    ...(origins && { origins }),
    ...(trustedProxies && { trustedProxies }),
    ...(auth && { auth }),
    ...(admin && { admin }),
  })
  process.stdout.write(`y-sealed-relay listening on ${relay.url}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void relay.close().then(() => process.exit(0), fail))
  }
}

/** undefined: whoever reaches the relay may write, and only this machine does. */
function authOf({ tokenSecretFile, jwksUrl, tokenIssuer }: Settings): Authorize | undefined {
  const issued = tokenIssuer === undefined ? {} : { issuer: tokenIssuer }
  if (jwksUrl !== undefined) return accessTokens({ jwksUrl, ...issued })
  if (tokenSecretFile !== undefined) return accessTokens({ secret: readSecret(tokenSecretFile), ...issued })
  return undefined
}

/** Throws RelayError `options` where one secret would open both doors: whoever makes access tokens is not an operator for that. */
function adminOf({ adminTokenFile, tokenSecretFile }: Settings): { token: string } | undefined {
  if (adminTokenFile === undefined) return undefined
  const token = readSecret(adminTokenFile)
  if (tokenSecretFile !== undefined && readSecret(tokenSecretFile) === token) {
    throw new RelayError('options', 'the admin token must not be the secret of the access tokens')
  }
  return { token }
}

/** Editors and `openssl rand` end a file with a line break that is no part of the secret. */
function readSecret(path: string): string {
  return readFileSync(path, 'utf8').trim()
}

function fail(error: unknown): never {
  process.stderr.write(`y-sealed-relay: ${error instanceof Error ? error.message : 'cannot start'}\n`)
  process.exit(1)
}

try {
  await main(parseCommand(process.argv))
} catch (error) {
  fail(error)
}
