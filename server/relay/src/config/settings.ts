import { checkLimits, type RelayLimits } from '../limits.ts'
import { DURABILITIES, type Durability } from '../log/durability.ts'
import { MAX_PARTITIONS } from '../log/partitions.ts'
import { parseRetention, type Retention } from '../log/retention.ts'
import { LOG_LEVELS, type LogLevel } from '../telemetry/log.ts'

/** One thing that an operator decides. Flag, environment and file all say it as the same text. */
export interface Setting<Value = unknown> {
  /** As on the command line, with what follows it. */
  readonly flag: `--${string} <${string}>`
  readonly environment: `Y_SEALED_${string}`
  /** What holds where nobody says anything; absent: nothing does. */
  readonly fallback?: string
  /** In a line of the README and of `--help`. */
  readonly help: string
  /** Throws TypeError, with a sentence that says what was expected. */
  readonly parse: (text: string) => Value
}

/**
 * Every setting, by its key in the configuration file. Flags, variables, the file's keys, `--help`, `--print-config` and the README's table are made
 * of it. None is a secret: those lie in files that a setting names; but an address may have a password in it.
 */
export const SETTINGS = {
  port: {
    flag: '--port <port>',
    environment: 'Y_SEALED_PORT',
    fallback: '8787',
    help: '0: any free one',
    parse: parsePort,
  },
  data: {
    flag: '--data <directory>',
    environment: 'Y_SEALED_DATA',
    fallback: './data/relay',
    help: 'a directory (made with mode 700), or `memory`: kept as long as the process',
    parse: asIs,
  },
  store: {
    flag: '--store <address>',
    environment: 'Y_SEALED_STORE',
    help: 'instead of `--data`: `postgres://…`, `sqlite:DIRECTORY` or `memory`',
    parse: asIs,
  },
  partitions: {
    flag: '--partitions <number>',
    environment: 'Y_SEALED_PARTITIONS',
    fallback: '0',
    help: 'into how many parts a new PostgreSQL store divides its tables, by document; 0: none. One that is there stays as it is',
    parse: parsePartitions,
  },
  bus: {
    flag: '--bus <address>',
    environment: 'Y_SEALED_BUS',
    help: '`redis://…`: how relays that share a PostgreSQL store hear of each other (below)',
    parse: asIs,
  },
  durability: {
    flag: '--durability <when>',
    environment: 'Y_SEALED_DURABILITY',
    fallback: 'full',
    help: 'when an append is acked: when its bytes are on the disk (`full`), or when the operating system has them (`os`, below)',
    parse: parseDurability,
  },
  host: {
    flag: '--host <address>',
    environment: 'Y_SEALED_HOST',
    fallback: '127.0.0.1',
    help: 'without access tokens only loopback is accepted',
    parse: asIs,
  },
  origins: {
    flag: '--origins <list>',
    environment: 'Y_SEALED_ORIGINS',
    help: 'web origins that may connect, separated by commas',
    parse: parseList,
  },
  jwksUrl: {
    flag: '--jwks-url <url>',
    environment: 'Y_SEALED_JWKS_URL',
    help: 'where the issuer of the access tokens publishes its public keys: https, or http on loopback',
    parse: asIs,
  },
  tokenSecretFile: {
    flag: '--token-secret-file <file>',
    environment: 'Y_SEALED_TOKEN_SECRET_FILE',
    help: 'or a secret (HS256, at least 32 bytes) that issuer and relay share',
    parse: asIs,
  },
  tokenIssuer: {
    flag: '--token-issuer <name>',
    environment: 'Y_SEALED_TOKEN_ISSUER',
    help: 'the `iss` that tokens must have; any, if absent',
    parse: asIs,
  },
  adminTokenFile: {
    flag: '--admin-token-file <file>',
    environment: 'Y_SEALED_ADMIN_TOKEN_FILE',
    help: "the operator's own token, at least 32 bytes; turns `/admin/` on",
    parse: asIs,
  },
  trustedProxies: {
    flag: '--trusted-proxies <list>',
    environment: 'Y_SEALED_TRUSTED_PROXIES',
    help: 'addresses or networks whose `X-Forwarded-For` is believed, separated by commas (below)',
    parse: parseList,
  },
  retention: {
    flag: '--retention <time>',
    environment: 'Y_SEALED_RETENTION',
    fallback: '30d',
    help: 'how long what was replaced is kept: `all`, `head`, or `30d`, `12h`, `90m` (below)',
    parse: parseRetentionText,
  },
  logLevel: {
    flag: '--log-level <level>',
    environment: 'Y_SEALED_LOG_LEVEL',
    fallback: 'warn',
    help: 'lines of JSON on standard error: `info`, `warn`, `error` or `silent`',
    parse: parseLogLevel,
  },
  limits: {
    flag: '--limit <name=number>',
    environment: 'Y_SEALED_LIMITS',
    fallback: '',
    help: 'limits that are not the defaults, more than once or separated by commas; in the file an object (below)',
    parse: parseLimits,
  },
} as const satisfies Record<string, Setting>

export type SettingKey = keyof typeof SETTINGS

type ValueOf<S extends Setting> = S extends { fallback: string }
  ? ReturnType<S['parse']>
  : ReturnType<S['parse']> | undefined

/** What holds. */
export type Settings = { readonly [Key in SettingKey]: ValueOf<(typeof SETTINGS)[Key]> }

export const SETTING_KEYS = Object.keys(SETTINGS).filter(isSettingKey)

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(SETTINGS, key)
}

function asIs(text: string): string {
  return text
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new TypeError(`a port is a number from 0 to 65535; got ${text}`)
  return port
}

function parsePartitions(text: string): number {
  const partitions = Number(text)
  if (!/^\d+$/.test(text) || partitions > MAX_PARTITIONS) {
    throw new TypeError(`a number from 0 to ${MAX_PARTITIONS}; got ${text}`)
  }
  return partitions
}

function parseDurability(text: string): Durability {
  const durability = DURABILITIES.find((name) => name === text)
  if (!durability) throw new TypeError(`'full' or 'os'; got ${text}`)
  return durability
}

function parseList(text: string): string[] {
  return text === '' ? [] : text.split(',').map((item) => item.trim())
}

function parseRetentionText(text: string): Retention {
  const retention = parseRetention(text)
  if (retention === undefined) {
    throw new TypeError(`'all', 'head', or a number of d(ays), h(ours), m(inutes); got ${text}`)
  }
  return retention
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((name) => name === text)
  if (!level) throw new TypeError(`'info', 'warn', 'error' or 'silent'; got ${text}`)
  return level
}

function parseLimits(text: string): Partial<RelayLimits> {
  const pairs = parseList(text).map((pair): [string, number] => {
    const [, name = '', number = ''] = /^(\w+)=(\d+(?:\.\d+)?(?:e\d+)?)$/.exec(pair) ?? []
    if (name === '') throw new TypeError(`expected name=number, such as maxDocumentBytes=1e9; got ${pair}`)
    return [name, Number(number)]
  })
  const limits = Object.fromEntries(pairs)
  checkLimits(limits)
  return limits
}
