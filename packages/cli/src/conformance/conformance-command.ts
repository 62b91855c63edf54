import { type Command, InvalidArgumentError, Option } from 'commander'
import { printTo, type Surroundings } from '../surroundings.ts'
import { ALL_RULES } from './all-rules.ts'
import { type Capability, DIALECTS, type DialectName } from './dialect.ts'
import { readUsers } from './read-users.ts'
import { printReport } from './report.ts'
import { runConformance } from './run-conformance.ts'
import type { HintKind, Target } from './target.ts'

const CAPABILITIES: readonly Capability[] = ['after', 'epoch', 'active', 'record']

/** A healthy endpoint needs a hundredth of it. */
const DEFAULT_TIMEOUT_MS = 10_000

interface Options {
  readonly dialect: DialectName
  readonly users?: string
  readonly documents?: string[]
  readonly documentPrefix: string
  readonly hints: HintKind
  readonly knows?: Capability[]
  readonly origin?: string
  readonly memory?: string
  readonly log: string[]
  readonly timeout: number
  readonly only?: string[]
  readonly skip: string[]
  readonly json?: true
}

/** `y-sealed conformance <url>`: prints what the endpoint keeps and what it does not. */
export function addConformance(program: Command, around: Surroundings, onFound: () => void): void {
  program
    .command('conformance <url>')
    .description('asks a key endpoint what it must know, and what it must refuse; use documents that nobody needs')
    .addOption(new Option('--dialect <name>', 'how it is asked').choices(Object.keys(DIALECTS)).default('contract'))
    .option('--users <file>', 'JSON: the headers of writer, colleague, reader, outsider, invalid')
    .option('--documents <ids>', 'documents there are, separated by commas; else ids are made up', listOf)
    .option('--document-prefix <text>', 'what ids that are made up begin with', 'conformance-')
    .addOption(new Option('--hints <kind>', 'what hints are').choices(['stored', 'salt', 'ignored']).default('stored'))
    .option('--knows <members>', `of ${CAPABILITIES.join(',')}; else it is found out`, capabilitiesOf)
    .option('--origin <origin>', 'a web origin that may ask', originOf)
    .option('--memory <file>', 'remembers what was given, and asks the next time')
    .option('--log <file>', 'what the endpoint has logged; may be given more than once', collect, [])
    .option('--timeout <ms>', 'for one answer', millisecondsOf, DEFAULT_TIMEOUT_MS)
    .option('--only <ids>', 'these rules, separated by commas', ruleIdsOf)
    .option('--skip <ids>', 'all but these', ruleIdsOf, [])
    .option('--json', 'the report as JSON')
    .action(async (url: string, options: Options) => {
      const { only, skip } = options
      const rules = ALL_RULES.filter(({ id }) => (only?.includes(id) ?? true) && !skip.includes(id))
      const report = await runConformance(targetOf(url, options), rules)
      await printTo(around)(options.json ? JSON.stringify(report, null, 2) : printReport(report))
      if (report.failed > 0) onFound()
    })
}

function targetOf(url: string, options: Options): Target {
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new TypeError('the URL must begin with https:// or http://')
  const { dialect, users, documents, documentPrefix, hints, knows, origin, memory, log, timeout } = options
  return {
    url: new URL(url),
    dialect,
    users: users === undefined ? { writer: {} } : readUsers(users),
    documentPrefix,
    hints,
    logFiles: log,
    timeoutMs: timeout,
    ...(documents === undefined ? {} : { documents }),
    ...(knows === undefined ? {} : { knows }),
    ...(origin === undefined ? {} : { origin }),
    ...(memory === undefined ? {} : { memoryFile: memory }),
  }
}

function listOf(text: string): string[] {
  return text.split(',').filter((item) => item !== '')
}

function capabilitiesOf(text: string): Capability[] {
  return listOf(text).map((name) => {
    const found = CAPABILITIES.find((capability) => capability === name)
    if (found === undefined) throw new InvalidArgumentError(`they are ${CAPABILITIES.join(', ')}.`)
    return found
  })
}

function ruleIdsOf(text: string): string[] {
  const ids = listOf(text)
  const unknown = ids.find((id) => !ALL_RULES.some((rule) => rule.id === id))
  if (unknown !== undefined) throw new InvalidArgumentError(`there is no rule ${unknown}.`)
  return ids
}

function originOf(text: string): string {
  if (!URL.canParse(text) || new URL(text).origin !== text) {
    throw new InvalidArgumentError('an origin is such as https://app.example.')
  }
  return text
}

function millisecondsOf(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number of milliseconds.')
  return value
}

function collect(path: string, before: string[]): string[] {
  return [...before, path]
}
