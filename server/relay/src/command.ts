import { Command, Option } from 'commander'
import { readConfigFile } from './config/config-file.ts'
import { type Resolved, resolveSettings, type SettingTexts } from './config/resolve.ts'
import { SETTING_KEYS, SETTINGS, type SettingKey } from './config/settings.ts'
import { packageVersion } from './package-version.ts'
import type { Upkeep } from './upkeep/upkeep.ts'

const CONFIG = { flag: '--config <file>', environment: 'Y_SEALED_CONFIG' } as const

/** What is to be done, with the settings that hold. */
export interface RelayCommand extends Resolved {
  readonly todo: { readonly act: 'run' } | { readonly act: 'print-config' } | Upkeep
}

/** Prints help, or which flag it does not know, and exits where there is nothing to do. Throws RelayError `options`. */
export function parseCommand(argv: readonly string[], environment: NodeJS.ProcessEnv = process.env): RelayCommand {
  const program = new Command('y-sealed-relay')
    .description('A blind relay: orders, stores and forwards sealed documents that it cannot read.')
    .version(packageVersion(), '--version', 'print the version of this package, and end')
    .option(CONFIG.flag, `settings as an object in JSON (${CONFIG.environment})`)
    .option('--print-config', 'print what is in force, and who said so, and end')
  const keyOf = new Map<string, SettingKey>()
  for (const key of SETTING_KEYS) {
    const option = optionOf(key)
    keyOf.set(option.attributeName(), key)
    program.addOption(option)
  }
  let todo: RelayCommand['todo'] = { act: 'run' }
  program.action(() => {})
  for (const [act, directory, help] of [
    ['backup', '<to>', 'copy the store to another directory, also while a relay uses it'],
    ['restore', '<from>', 'copy a backup to the data directory, which must have no store'],
  ] as const) {
    program
      .command(act)
      .argument(directory, 'a directory')
      .description(help)
      .action((directory: string) => {
        todo = { act, directory }
      })
  }
  program
    .command('verify')
    .description('compute all hashes again, without keys; exit code 2: damaged')
    .action(() => {
      todo = { act: 'verify' }
    })
  program
    .command('vacuum')
    .description('give back the room of what was deleted; no relay may be running')
    .action(() => {
      todo = { act: 'vacuum' }
    })
  program
    .command('migrate')
    .description("try whether the store can be taken to this version's schema; no relay may be running")
    .option('--apply', 'and do it')
    .action(({ apply }: { apply?: true }) => {
      todo = { act: 'migrate', apply: apply === true }
    })
  program.parse(argv)
  const { config, printConfig, ...given } = program.opts<Record<string, unknown>>()
  const flags: SettingTexts = {}
  for (const [name, text] of Object.entries(given)) {
    const key = keyOf.get(name)
    if (key && typeof text === 'string') flags[key] = text
  }
  const path = typeof config === 'string' ? config : environment[CONFIG.environment]
  const resolved = resolveSettings({ flags, environment, file: path === undefined ? {} : readConfigFile(path) })
  return { ...resolved, todo: printConfig === true ? { act: 'print-config' } : todo }
}

function optionOf(key: SettingKey): Option {
  const { flag, help, environment, ...rest } = SETTINGS[key]
  const fallback = 'fallback' in rest && rest.fallback !== '' ? `, default ${rest.fallback}` : ''
  const option = new Option(
    flag,
    `${help.replaceAll('`', '').replace(/,? ?\(below\)|, below(?=\))/, '')} (${environment}${fallback})`,
  )
  // What is said more than once is a list, as with commas.
  return key === 'limits'
    ? option.argParser((text, before: string | undefined) => (before === undefined ? text : `${before},${text}`))
    : option
}
