import { Command } from 'commander'
import { auditFile } from '../audit.ts'
import { openEscrow, sealEscrow } from '../desk/escrow-file.ts'
import { parseImportedKeys } from '../desk/imported-keys.ts'
import { createKeyDesk, type KeyDesk } from '../desk/key-desk.ts'
import { AGE_FORM } from '../key-age.ts'
import { packageVersion } from '../package-version.ts'
import { createMasterKey } from '../store/master-key.ts'
import { isPostgresUrl, openKeyStore } from '../store/open-key-store.ts'
import { isKeyDirectory } from '../store/sqlite-database.ts'
import { readSecretFile } from './secret-file.ts'
import { addServeOptions, parseAge, type ServeOptions } from './serve-options.ts'
import { addStoreOptions, masterKeysOf, methodOf, type StoreOptions } from './store-options.ts'

/**
 * `y-sealed-keys`: serves, or with a sub-command looks after the keys of a database, beside the server that uses it.
 * Prints help or the mistake and exits where there is nothing to run.
 */
export function createCommand(serve: (options: ServeOptions) => Promise<void>, print: (line: string) => void): Command {
  const command = new Command('y-sealed-keys')
    .description('A key endpoint: decides who gets which document key. Without a sub-command it serves.')
    .version(packageVersion(), '--version', 'print the version of this package, and end')
    .configureOutput({ outputError: (text, write) => write(withoutValues(text)) })
  addStoreOptions(addServeOptions(command)).action(() => serve(command.opts<ServeOptions>()))

  const atDesk = async (run: (desk: KeyDesk) => Promise<object[]>): Promise<void> => {
    for (const line of await withDesk(command.opts<StoreOptions>(), run)) print(JSON.stringify(line))
  }
  command
    .command('serve')
    .description('serves: the same as no sub-command')
    .action(() => serve(command.opts<ServeOptions>()))
  command
    .command('keygen')
    .description('prints a new master key, as "openssl rand -base64 32" does')
    .action(() => print(createMasterKey().toString('base64')))
  command
    .command('create <documentId>')
    .description('a first key for a document, shown this once: for who must have it elsewhere')
    .action((documentId: string) => atDesk((desk) => desk.create(documentId)))
  command
    .command('rotate <documentId>')
    .description('a new key in place of the current one; members who are online follow within minutes')
    .option('--after <keyHint>', 'only if this is the hint of the newest key: safe to repeat')
    .action((documentId: string, { after }: { after?: string }) => atDesk((desk) => desk.rotate(documentId, after)))
  command
    .command('deactivate [documentId] [keyHint]')
    .description('nobody writes with the key any longer; the next writer makes a new one')
    .option('--all', 'every key of every document: after a backup was restored')
    .action((documentId: string | undefined, keyHint: string | undefined, { all }: { all?: boolean }) =>
      atDesk((desk) => desk.deactivate(documentId, keyHint, all)),
    )
  command
    .command('expire <age>')
    .description(`deactivates every key that is older: ${AGE_FORM}`)
    .action((age: string) => atDesk((desk) => desk.expire(parseAge(age))))
  command
    .command('shred <documentId> <keyHint>')
    .description('destroys a key that is not current, and for ever all text that is sealed under it')
    .action((documentId: string, keyHint: string) => atDesk((desk) => desk.shred(documentId, keyHint)))
  command
    .command('list [documentId]')
    .description('hints, numbers and states, one JSON per line, without keys')
    .action((documentId: string | undefined) => atDesk((desk) => desk.list(documentId)))
  command
    .command('export [documentId]')
    .description('keys for escrow, sealed for whoever has the private key; needs --audit-file')
    .requiredOption('--recipient-file <file>', 'the public key, PEM: elliptic (P-256), or RSA')
    .action(async (documentId: string | undefined, { recipientFile }: { recipientFile: string }) => {
      const pem = readSecretFile('--recipient-file', recipientFile)
      const sealed = await withDesk(command.opts<StoreOptions>(), async (desk) =>
        sealEscrow(pem, await desk.export(documentId)),
      )
      print(sealed)
    })
  command
    .command('import <file>')
    .description('adds keys that were made elsewhere, one JSON per line, or an escrow file; replaces none')
    .option('--private-key-file <file>', 'PEM: opens an escrow file')
    .action(async (file: string, { privateKeyFile }: { privateKeyFile?: string }) => {
      const text = readSecretFile('import', file)
      const lines =
        privateKeyFile === undefined
          ? text
          : await openEscrow(readSecretFile('--private-key-file', privateKeyFile), text)
      const keys = parseImportedKeys(lines)
      await atDesk((desk) => desk.import(keys))
    })
  command
    .command('rewrap')
    .description('seals every key under the first master key; the others may go afterwards')
    .action(() => atDesk((desk) => desk.rewrap()))
  return command
}

/** Makes no directory: a mistyped one is not an empty one. */
async function withDesk<T>(options: StoreOptions, run: (desk: KeyDesk) => Promise<T>): Promise<T> {
  const { data, auditFile: auditPath } = options
  if (!isPostgresUrl(data) && !isKeyDirectory(data)) throw new Error(`there are no keys in ${data}`)
  const masterKeys = await masterKeysOf(options)
  const method = methodOf(options)
  const opened = await openKeyStore({ data, ...(masterKeys && { masterKeys }) })
  try {
    const store = opened.using(method)
    await store.checkOrigins()
    return await run(createKeyDesk(store, auditPath === undefined ? undefined : auditFile(auditPath)))
  } finally {
    await opened.close()
  }
}

/** Somebody may have given a secret where a name belongs: what was given is not repeated. */
function withoutValues(text: string): string {
  return text.replace(/'(-[^'=\s]*)=[^']*'/g, "'$1'").replace(/(argument|command) '[^']*'/g, '$1')
}
