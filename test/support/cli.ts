import { run } from '@y-sealed/cli'

export interface CommandRun {
  readonly exitCode: number
  readonly out: Buffer
  readonly errors: string
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Standard input. */
  readonly input?: string | Uint8Array
}

/** `y-sealed` within this process: a process of its own costs half a second (`runCommand` is one). */
export async function runCli(
  args: readonly string[],
  { env = {}, input = '' }: CommandOptions = {},
): Promise<CommandRun> {
  const out: Uint8Array[] = []
  let errors = ''
  const exitCode = await run(args, {
    env,
    readInput: () => Buffer.from(input),
    write: async (bytes) => void out.push(bytes),
    warn: (text) => {
      errors += `${text}\n`
    },
  })
  return { exitCode, out: Buffer.concat(out), errors }
}
