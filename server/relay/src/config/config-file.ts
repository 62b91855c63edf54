import { readFileSync } from 'node:fs'
import { RelayError } from '../errors.ts'
import { isSettingKey, type SettingKey } from './settings.ts'

/**
 * What a configuration file says, as a flag would: an object in JSON whose keys are those of SETTINGS. Lists may be arrays, and limits an
 * object. Throws RelayError `options` for a key that there is none of, by its name, and for what is no such file; its content is never quoted.
 */
export function readConfigFile(path: string): Partial<Record<SettingKey, string>> {
  const texts: Partial<Record<SettingKey, string>> = {}
  for (const [key, value] of Object.entries(parse(path))) {
    if (!isSettingKey(key)) throw new RelayError('options', `${path}: there is no setting "${key}"`)
    texts[key] = textOf(value) ?? fail(path, key)
  }
  return texts
}

function parse(path: string): object {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    // What JSON.parse says quotes what it has read.
    const reason = error instanceof SyntaxError ? 'it is no JSON' : 'it cannot be read'
    throw new RelayError('options', `${path}: ${reason}`, { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RelayError('options', `${path}: expected an object`)
  }
  return value
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string') ? value.join(',') : undefined
  if (typeof value !== 'object' || value === null) return undefined
  const pairs = Object.entries(value)
  if (!pairs.every(([, number]) => typeof number === 'number')) return undefined
  return pairs.map(([name, number]) => `${name}=${number}`).join(',')
}

function fail(path: string, key: string): never {
  throw new RelayError('options', `${path}: ${key} is no text, number, list of texts or object of numbers`)
}
