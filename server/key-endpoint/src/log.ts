import { pino } from 'pino'

/** All that may be logged. A name that is not here does not compile: no key, hint, document id, token or address. */
export interface LogFields {
  readonly url?: string
  readonly error?: string
}

export interface Log {
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** JSON lines on stderr; stdout belongs to the command. */
export function createLog(): Log {
  const STDERR = 2
  return pino({ name: 'y-sealed-keys', base: null }, pino.destination(STDERR))
}
