import { Command, InvalidArgumentError, Option } from 'commander'
import { checkLimits, type RelayLimits } from './limits.ts'
import { DURABILITIES, type Durability } from './log/durability.ts'
import { DEFAULT_RETENTION, parseRetention, type Retention } from './log/retention.ts'

export interface CommandOptions {
  readonly port: number
  readonly data: string
  readonly store?: string
  readonly host: string
  readonly durability: Durability
  readonly origins?: string[]
  readonly trustedProxies?: string[]
  readonly tokenSecretFile?: string
  readonly jwksUrl?: string
  readonly tokenIssuer?: string
  readonly adminTokenFile?: string
  readonly retention: Retention
  readonly limit: Partial<RelayLimits>
}

/** Prints help, or what is wrong, and exits where there is nothing to run. */
export function parseCommand(argv: readonly string[]): CommandOptions {
  return new Command('y-sealed-relay')
    .description('A blind relay: orders, stores and forwards sealed documents that it cannot read.')
    .addOption(new Option('--port <port>', '0: any free one').env('Y_SEALED_PORT').default(8787).argParser(parsePort))
    .addOption(
      new Option('--data <directory>', "where the logs are kept; 'memory' keeps nothing")
        .env('Y_SEALED_DATA')
        .default('./data/relay'),
    )
    .addOption(new Option('--store <address>', 'where instead: sqlite:DIRECTORY or memory').env('Y_SEALED_STORE'))
    .addOption(
      new Option('--durability <when>', "when an append is acked: on the disk ('full'), or with the system ('os')")
        .env('Y_SEALED_DURABILITY')
        .default('full')
        .choices(DURABILITIES),
    )
    .addOption(new Option('--host <address>', 'bind address').env('Y_SEALED_HOST').default('127.0.0.1'))
    .addOption(
      new Option('--origins <list>', 'web origins that may connect, separated by commas')
        .env('Y_SEALED_ORIGINS')
        .argParser(parseList),
    )
    .addOption(
      new Option(
        '--trusted-proxies <list>',
        'addresses or networks whose X-Forwarded-For is believed, separated by commas',
      )
        .env('Y_SEALED_TRUSTED_PROXIES')
        .argParser(parseList),
    )
    .addOption(
      new Option('--token-secret-file <file>', 'HS256 secret of the access tokens')
        .env('Y_SEALED_TOKEN_SECRET_FILE')
        .conflicts('jwksUrl'),
    )
    .addOption(
      new Option(
        '--jwks-url <url>',
        'public keys of the access tokens; without them and a secret: this machine only',
      ).env('Y_SEALED_JWKS_URL'),
    )
    .addOption(
      new Option('--token-issuer <name>', 'the `iss` that access tokens must have').env('Y_SEALED_TOKEN_ISSUER'),
    )
    .addOption(
      new Option('--admin-token-file <file>', "the operator's own token; turns /admin/ on").env(
        'Y_SEALED_ADMIN_TOKEN_FILE',
      ),
    )
    .addOption(
      new Option('--retention <time>', "how long what was replaced is kept: 'all', 'head', or 30d, 12h, 90m")
        .env('Y_SEALED_RETENTION')
        .default(DEFAULT_RETENTION, '30d')
        .argParser(parseRetentionOption),
    )
    .addOption(
      new Option(
        '--limit <name=number>',
        'one of the limits, such as maxDocumentBytes=1e9; more than once, or separated by commas',
      )
        .env('Y_SEALED_LIMITS')
        .default({}, 'see the README')
        .argParser(parseLimits),
    )
    .parse(argv)
    .opts<CommandOptions>()
}

function parseLimits(text: string, before: Partial<RelayLimits>): Partial<RelayLimits> {
  const pairs = parseList(text).map((pair): [string, number] => {
    const [, name = '', number = ''] = /^(\w+)=(\d+(?:\.\d+)?(?:e\d+)?)$/.exec(pair) ?? []
    return [name, Number(number)]
  })
  const limits = { ...before, ...Object.fromEntries(pairs) }
  try {
    checkLimits(limits)
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : 'no limit')
  }
  return limits
}

function parseList(list: string): string[] {
  return list === '' ? [] : list.split(',').map((item) => item.trim())
}

function parseRetentionOption(text: string): Retention {
  const retention = parseRetention(text)
  if (retention === undefined)
    throw new InvalidArgumentError("'all', 'head', or a number of d(ays), h(ours), m(inutes).")
  return retention
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return port
}
