import { Command, InvalidArgumentError, Option } from 'commander'
import { type Dialect, parseDialects } from './dialects.ts'
import { AGE_FORM, parseAgeMs } from './key-age.ts'
import { type KeyDesk, openKeyDesk } from './key-desk.ts'

export interface CommandOptions {
  readonly port: number
  readonly data: string
  readonly host: string
  readonly origins?: string[]
  readonly tokenSecretFile?: string
  readonly rotateAfter?: string
  readonly dialects?: Dialect[]
}

/**
 * `y-sealed-keys`: serves, or with a sub-command looks after the keys of a directory, beside the server that uses it.
 * Prints help or the mistake and exits where there is nothing to run.
 */
export function createCommand(
  serve: (options: CommandOptions) => Promise<void>,
  print: (line: string) => void,
): Command {
  const command = new Command('y-sealed-keys')
    .description('A key endpoint: decides who gets which document key. Without a sub-command it serves.')
    .addOption(new Option('--port <port>', '0: any free one').env('Y_SEALED_PORT').default(8788).argParser(parsePort))
    .addOption(
      new Option('--data <directory>', "keys and master key; 'memory' keeps nothing")
        .env('Y_SEALED_DATA')
        .default('./data/keys'),
    )
    .addOption(new Option('--host <address>', 'bind address').env('Y_SEALED_HOST').default('127.0.0.1'))
    .addOption(
      new Option('--origins <list>', 'web origins that may ask, separated by commas')
        .env('Y_SEALED_ORIGINS')
        .argParser((list) => list.split(',').map((origin) => origin.trim())),
    )
    .addOption(
      new Option('--token-secret-file <file>', 'HS256 secret of the access tokens; without it: this machine only').env(
        'Y_SEALED_TOKEN_SECRET_FILE',
      ),
    )
    .addOption(
      new Option('--rotate-after <age>', `${AGE_FORM}; clients replace keys that are older`)
        .env('Y_SEALED_ROTATE_AFTER')
        .argParser(parseAge),
    )
    .addOption(
      new Option('--dialects <list>', "key-id, get: TinyMCE's other ways to ask, separated by commas")
        .env('Y_SEALED_DIALECTS')
        .argParser(parseDialectList),
    )
    .action(() => serve(command.opts<CommandOptions>()))

  const atDesk = async (run: (desk: KeyDesk) => Promise<object[]>): Promise<void> => {
    const desk = openKeyDesk(command.opts<CommandOptions>().data)
    try {
      for (const line of await run(desk)) print(JSON.stringify(line))
    } finally {
      await desk.close()
    }
  }
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
    .command('shred <documentId> <keyHint>')
    .description('destroys a key that is not current, and for ever all text that is sealed under it')
    .action((documentId: string, keyHint: string) => atDesk((desk) => desk.shred(documentId, keyHint)))
  command
    .command('list [documentId]')
    .description('hints, numbers and states, one JSON per line, without keys')
    .action((documentId: string | undefined) => atDesk((desk) => desk.list(documentId)))
  return command
}

function parseAge(text: string): string {
  try {
    parseAgeMs(text)
    return text
  } catch {
    throw new InvalidArgumentError(`expected ${AGE_FORM}.`)
  }
}

function parseDialectList(list: string): Dialect[] {
  try {
    // Unknown names are what the check is for.
    return [...parseDialects('--dialects', list.split(',').map((name) => name.trim()) as Dialect[])]
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : '')
  }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return port
}
