import { RelayError } from '../errors.ts'
import { SETTING_KEYS, SETTINGS, type Setting, type SettingKey, type Settings } from './settings.ts'

/** Who said what holds. */
export type Source = 'flag' | 'environment' | 'file' | 'default'

export type SettingTexts = Partial<Record<SettingKey, string>>

export interface Said {
  readonly text: string
  readonly source: Source
}

export interface Resolved {
  readonly settings: Settings
  /** By key; what nobody has said, and what has no default, is missing. */
  readonly said: Partial<Record<SettingKey, Said>>
}

export interface SaidByOperator {
  flags: SettingTexts
  environment: Readonly<Record<string, string | undefined>>
  file: SettingTexts
}

/** A flag goes before the environment, that before the file, that before the default. Throws RelayError `options` with the name of what is wrong. */
export function resolveSettings({ flags, environment, file }: SaidByOperator): Resolved {
  const said: Partial<Record<SettingKey, Said>> = {}
  const values: Partial<Record<SettingKey, unknown>> = {}
  for (const key of SETTING_KEYS) {
    const setting: Setting = SETTINGS[key]
    const sources: [Source, string | undefined][] = [
      ['flag', flags[key]],
      ['environment', environment[setting.environment]],
      ['file', file[key]],
      ['default', setting.fallback],
    ]
    const found = sources.find(([, text]) => text !== undefined)
    if (found?.[1] === undefined) continue
    const [source, text] = found
    said[key] = { source, text }
    values[key] = parsedValue(key, setting, source, text)
  }
  if (said.jwksUrl && said.tokenSecretFile) {
    throw new RelayError('options', 'expected one of jwksUrl and tokenSecretFile, not both')
  }
  // Each value is what its setting's `parse` has returned, and what has a fallback is there: the loop forgets the types only.
  return { settings: values as Settings, said }
}

function parsedValue(key: SettingKey, setting: Setting, source: Source, text: string): unknown {
  try {
    return setting.parse(text)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const name = { flag: setting.flag, environment: setting.environment, file: key, default: key }[source]
    throw new RelayError('options', `${name}: ${error.message}`, { cause: error })
  }
}
