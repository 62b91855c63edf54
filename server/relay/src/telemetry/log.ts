import { pino } from 'pino'

/**
 * What a log line may carry besides its event: counts, lengths and codes. There is no field for a room, a token, a key
 * hint, an address or an envelope, so none can end up in a log, whatever goes wrong.
 */
export interface LogFields {
  connections?: number
  rooms?: number
  sessions?: number
  bytes?: number
  /** A close code, a refusal code or an error's code. */
  code?: number | string
  /** The class of an error. Never its message: that may quote what it is about. */
  errorName?: string
  port?: number
}

export interface Log {
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

export const LOG_LEVELS = ['info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Lines of JSON, from this level on. */
export function createLog(level: LogLevel = 'warn', destination: { write(line: string): void } = process.stderr): Log {
  const logger = pino({ level, base: null }, destination)
  return {
    info: (event, fields) => logger.info(allowed(fields), event),
    warn: (event, fields) => logger.warn(allowed(fields), event),
    error: (event, fields) => logger.error(allowed(fields), event),
  }
}

/** Its class and code, which is what a log may say of an error. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { errorName: typeof error }
  // SQLite calls each fault by a name of its own, Node all of them by one.
  const code = 'sqliteCodeName' in error ? error.sqliteCodeName : 'code' in error ? error.code : undefined
  return { errorName: error.name, ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}) }
}

const FIELDS = ['connections', 'rooms', 'sessions', 'bytes', 'code', 'errorName', 'port'] as const

/** Types end where JavaScript begins: a caller's object may carry more than its type says. */
function allowed(fields: LogFields = {}): LogFields {
  return Object.fromEntries(FIELDS.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]))
}
