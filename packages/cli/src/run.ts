import { Command, CommanderError } from 'commander'
import { addAppend } from './commands/append-command.ts'
import { addAudit } from './commands/audit-command.ts'
import { addExport } from './commands/export-command.ts'
import { addFetch } from './commands/fetch-command.ts'
import { addImport } from './commands/import-command.ts'
import { addInspect } from './commands/inspect-command.ts'
import { refuseSecretsIn } from './commands/secrets.ts'
import { addConformance } from './conformance/conformance-command.ts'
import { EXIT, failureOf } from './failure.ts'
import { packageVersion } from './package-version.ts'
import type { Surroundings } from './surroundings.ts'

/** `y-sealed` with these arguments. Resolves with the exit code; never rejects. */
export async function run(args: readonly string[], around: Surroundings): Promise<number> {
  let failed = 0
  const program = new Command('y-sealed')
    .description(
      'Beside a relay and a key endpoint: reads and writes documents, looks at what is stored, and proves endpoints.',
    )
    .version(packageVersion(), '--version', 'print the version of this package, and end')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void around.write(Buffer.from(text)),
      writeErr: (text) => around.warn(text.trimEnd()),
    })
  for (const add of [addExport, addFetch, addImport, addAppend, addInspect, addAudit]) add(program, around)
  addConformance(program, around, () => {
    failed = EXIT.found
  })
  try {
    refuseSecretsIn(args)
    await program.parseAsync(args, { from: 'user' })
    return failed
  } catch (error) {
    // It has said so itself.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage
    const { code, message, exitCode } = failureOf(error)
    around.warn(`y-sealed: ${code}: ${message}`)
    return exitCode
  }
}
