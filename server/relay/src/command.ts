import { Command, Option } from 'commander'
import { readConfigFile } from './config/config-file.ts'
import { type Resolved, resolveSettings, type SettingTexts } from './config/resolve.ts'
import { SETTING_KEYS, SETTINGS, type SettingKey } from './config/settings.ts'

const CONFIG = { flag: '--config <file>', environment: 'Y_SEALED_CONFIG' } as const

/** What is to be done, with the settings that hold. */
export interface RelayCommand extends Resolved {
  readonly act: 'run' | 'print-config'
}

/** Prints help, or which flag it does not know, and exits where there is nothing to do. Throws RelayError `options`. */
export function parseCommand(argv: readonly string[], environment: NodeJS.ProcessEnv = process.env): RelayCommand {
  const program = new Command('y-sealed-relay')
    .description('A blind relay: orders, stores and forwards sealed documents that it cannot read.')
    .option(CONFIG.flag, `settings as an object in JSON (${CONFIG.environment})`)
    .option('--print-config', 'print what is in force, and who said so, and end')
  const keyOf = new Map<string, SettingKey>()
  for (const key of SETTING_KEYS) {
    const option = optionOf(key)
    keyOf.set(option.attributeName(), key)
    program.addOption(option)
  }
  program.parse(argv)
  const { config, printConfig, ...given } = program.opts<Record<string, unknown>>()
  const flags: SettingTexts = {}
  for (const [name, text] of Object.entries(given)) {
    const key = keyOf.get(name)
    if (key && typeof text === 'string') flags[key] = text
  }
  const path = typeof config === 'string' ? config : environment[CONFIG.environment]
  const resolved = resolveSettings({ flags, environment, file: path === undefined ? {} : readConfigFile(path) })
  return { ...resolved, act: printConfig === true ? 'print-config' : 'run' }
}

function optionOf(key: SettingKey): Option {
  const { flag, help, environment, ...rest } = SETTINGS[key]
  const fallback = 'fallback' in rest && rest.fallback !== '' ? `, default ${rest.fallback}` : ''
  const option = new Option(flag, `${help.replaceAll('`', '')} (${environment}${fallback})`)
  // What is said more than once is a list, as with commas.
  return key === 'limits'
    ? option.argParser((text, before: string | undefined) => (before === undefined ? text : `${before},${text}`))
    : option
}
