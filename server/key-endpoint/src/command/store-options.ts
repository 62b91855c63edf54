import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Command, Option } from 'commander'
import { derivedKeys } from '../methods/derived-keys.ts'
import { fixedKeys } from '../methods/fixed-keys.ts'
import { parseGlobalKeys } from '../methods/global-keys.ts'
import type { KeyMethod } from '../methods/key-method.ts'
import { saltedKeys } from '../methods/salted-keys.ts'
import { storedKeys } from '../methods/stored-keys.ts'
import { type MasterKey, type MasterKeyHook, parseMasterKey } from '../store/master-key.ts'
import { readSecretFile } from './secret-file.ts'

/** Where the keys are, and how new ones are made: the same for the server and for who works beside it. */
export interface StoreOptions {
  readonly data: string
  readonly masterKeyFile?: readonly string[]
  readonly masterKeyModule?: string
  readonly method: 'stored' | 'derived' | 'salted' | 'fixed'
  readonly globalKeysFile?: string
  readonly auditFile?: string
}

export function addStoreOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--data <place>', "keys: a directory, postgres://…, or 'memory', which keeps nothing")
        .env('Y_SEALED_DATA')
        .default('./data/keys'),
    )
    .addOption(
      new Option(
        '--master-key-file <file>',
        'a master key, again for each; the first seals, all open. Default: master.key in the directory',
      )
        .env('Y_SEALED_MASTER_KEY_FILE')
        .argParser((file: string, before: readonly string[] = []) => [...before, file]),
    )
    .addOption(
      new Option(
        '--master-key-module <file>',
        'a module whose default export wraps and unwraps, in a KMS; before the files',
      ).env('Y_SEALED_MASTER_KEY_MODULE'),
    )
    .addOption(
      new Option('--method <name>', 'how keys are made')
        .choices(['stored', 'derived', 'salted', 'fixed'])
        .env('Y_SEALED_METHOD')
        .default('stored'),
    )
    .addOption(
      new Option('--global-keys-file <file>', 'for derived: one key a line, the newest first').env(
        'Y_SEALED_GLOBAL_KEYS_FILE',
      ),
    )
    .addOption(
      new Option('--audit-file <file>', 'a JSON per line for whatever is decided about a key').env(
        'Y_SEALED_AUDIT_FILE',
      ),
    )
}

/** The environment's, after those that flags name; undefined: the default of the place. @throws Error, KeyServerError */
export async function masterKeysOf(options: StoreOptions): Promise<MasterKey[] | undefined> {
  const { masterKeyModule, masterKeyFile = [] } = options
  const inEnvironment = process.env.Y_SEALED_MASTER_KEY?.split(',') ?? []
  const keys = [
    ...(masterKeyModule === undefined ? [] : [await importHook(masterKeyModule)]),
    ...masterKeyFile.map((path) => parseMasterKey('--master-key-file', readSecretFile('--master-key-file', path))),
    ...inEnvironment.map((text) => parseMasterKey('Y_SEALED_MASTER_KEY', text)),
  ]
  return keys.length === 0 ? undefined : keys
}

/** @throws Error, KeyServerError */
export function methodOf({ method, globalKeysFile }: StoreOptions): KeyMethod {
  const globalKeys =
    globalKeysFile === undefined ? undefined : parseGlobalKeys(readSecretFile('--global-keys-file', globalKeysFile))
  if (method === 'derived') {
    if (!globalKeys) throw new Error('--method derived: name a --global-keys-file')
    return derivedKeys(globalKeys)
  }
  const chosen = { stored: storedKeys, salted: saltedKeys, fixed: fixedKeys }[method]
  // What was derived once is answered on.
  return globalKeys ? { ...chosen, globalKeys } : chosen
}

async function importHook(path: string): Promise<MasterKeyHook> {
  if (!existsSync(path)) throw new Error('--master-key-module: there is no such file')
  const { default: hook }: { default?: unknown } = await import(pathToFileURL(resolve(path)).href)
  if (!isHook(hook)) throw new Error('--master-key-module: expected a default export of {id, wrap, unwrap}')
  return hook
}

function isHook(value: unknown): value is MasterKeyHook {
  if (typeof value !== 'object' || value === null) return false
  // Any object may be read by name.
  const { id, wrap, unwrap } = value as Record<string, unknown>
  return typeof id === 'string' && typeof wrap === 'function' && typeof unwrap === 'function'
}
