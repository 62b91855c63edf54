#!/usr/bin/env node
import { Command } from 'commander'
import { addConformance } from './conformance/conformance-command.ts'

/** Apart from 1, which says that something was found wrong. */
const EXIT_CANNOT_RUN = 2

const program = new Command('y-sealed').description(
  'Beside a relay and a key endpoint: looks at them, and proves them.',
)
program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_CANNOT_RUN))
addConformance(program, (text) => void process.stdout.write(`${text}\n`))

program.parseAsync(process.argv).catch((error: unknown) => {
  process.stderr.write(`y-sealed: ${error instanceof Error ? error.message : 'failed'}\n`)
  process.exitCode = EXIT_CANNOT_RUN
})
