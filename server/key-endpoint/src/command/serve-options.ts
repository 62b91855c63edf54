import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Dialect, parseDialects } from '../dialects.ts'
import { AGE_FORM, parseAgeMs } from '../key-age.ts'
import type { StoreOptions } from './store-options.ts'

export interface ServeOptions extends StoreOptions {
  readonly port: number
  readonly host: string
  readonly origins?: string[]
  readonly tokenSecretFile?: string
  readonly rotateAfter?: string
  readonly dialects?: Dialect[]
  readonly productionMethod?: string
}

export function addServeOptions(command: Command): Command {
  return command
    .addOption(new Option('--port <port>', '0: any free one').env('Y_SEALED_PORT').default(8788).argParser(parsePort))
    .addOption(new Option('--host <address>', 'bind address').env('Y_SEALED_HOST').default('127.0.0.1'))
    .addOption(
      new Option('--origins <list>', 'web origins that may ask, separated by commas')
        .env('Y_SEALED_ORIGINS')
        .argParser((list) => list.split(',').map((origin) => origin.trim())),
    )
    .addOption(
      new Option('--token-secret-file <file>', 'HS256 secret of the access tokens; without it: this machine only').env(
        'Y_SEALED_TOKEN_SECRET_FILE',
      ),
    )
    .addOption(
      new Option('--rotate-after <age>', `${AGE_FORM}; clients replace keys that are older`)
        .env('Y_SEALED_ROTATE_AFTER')
        .argParser(parseAge),
    )
    .addOption(
      new Option('--dialects <list>', "key-id, get: TinyMCE's other ways to ask, separated by commas")
        .env('Y_SEALED_DIALECTS')
        .argParser(parseDialectList),
    )
    .addOption(
      new Option(
        '--production-method <name>',
        'names a weak method that is meant to be used under NODE_ENV=production',
      ).env('Y_SEALED_PRODUCTION_METHOD'),
    )
}

export function parseAge(text: string): string {
  try {
    parseAgeMs(text)
    return text
  } catch {
    throw new InvalidArgumentError(`expected ${AGE_FORM}.`)
  }
}

function parseDialectList(list: string): Dialect[] {
  try {
    // Unknown names are what the check is for.
    return [...parseDialects('--dialects', list.split(',').map((name) => name.trim()) as Dialect[])]
  } catch {
    throw new InvalidArgumentError('expected key-id, get, or both with a comma.')
  }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return port
}
