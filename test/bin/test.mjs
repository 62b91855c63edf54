// @ts-check
// `npm test`: installs what is missing, builds, lints, type-checks and runs every test. The last line is the count.
// `npm test -- test/unit/envelope` runs only the tests below that path.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provideChromium } from './chromium.mjs'
import { installDependencies } from './install.mjs'
import { provideInterpreters } from './interpreters.mjs'
import { provideNginx } from './nginx.mjs'
import { providePostgres, startPostgres } from './postgres.mjs'
import { installedCommand, projectRoot, requireNode } from './project.mjs'
import { provideRedis } from './redis.mjs'
import { run } from './run.mjs'
import { countReport } from './vitest-report.mjs'

// What we promise for two cores, and what a busy CI machine is given; a run that hangs ends here, as a failure.
const LIMIT_MS = (process.env.CI === 'true' ? 25 : 10) * 60_000

requireNode()
await installDependencies()
const chromium = await provideChromium()
console.log(
  chromium
    ? `Browser tests use ${chromium}.`
    : 'No Chromium on this machine: the browser tests cannot run (see CHROMIUM).',
)

for (const name of await provideInterpreters())
  console.log(`No ${name} on this machine: its key endpoint is not tested.`)

const postgresBinaries = await providePostgres()
if (!postgresBinaries) console.log('No PostgreSQL on this machine: what is kept there is not tested.')
if (!(await provideRedis())) console.log('No Redis on this machine: several relays together are not tested.')

if (!(await provideNginx())) console.log('No nginx on this machine: the configuration for it is not tested.')

const startedAt = performance.now()
const remainingMs = () => Math.max(1, LIMIT_MS - (performance.now() - startedAt))
const count = { passed: 0, failed: 0, skipped: /** @type {string[]} */ ([]) }

/**
 * One step that is not a test of its own, counted as one.
 * @param {string} title
 * @param {string} command
 * @param {string[]} args
 */
async function step(title, command, args) {
  console.log(`\n── ${title}`)
  const succeeded = await run(installedCommand(command), args, { deadlineMs: remainingMs() })
  if (succeeded) count.passed += 1
  else count.failed += 1
  console.log(`── ${title}: ${succeeded ? 'passed' : 'FAILED'}`)
  return succeeded
}

const built = await step('build', 'turbo', ['run', 'build', '--output-logs=errors-only'])
await step('lint and format', 'biome', ['check', '.'])
await step('types of the tests', 'tsc', ['-p', 'test'])
// Each command compiles its own folder when it is started, which no test does for all of them.
if (built) await step('commands compile', 'tsc', ['-b', ...foldersOfCommands()])
if (built) await runTests()
else console.log('\nThe tests need the build and were not run.')

for (const title of count.skipped) console.log(`skipped: ${title}`)
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped.length} skipped`)
process.exitCode = count.failed === 0 ? 0 : 1

async function runTests() {
  console.log('\n── tests')
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-report-'))
  // One for the whole run: the start of one costs a second.
  const postgres = postgresBinaries ? await startPostgres(postgresBinaries, { isDurable: false }) : undefined
  try {
    const reportPath = join(folder, 'report.json')
    const succeeded = await run(
      installedCommand('vitest'),
      ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`, ...process.argv.slice(2)],
      {
        env: { ...(chromium && { CHROMIUM: chromium }), ...(postgres && { Y_SEALED_TEST_POSTGRES: postgres.url }) },
        deadlineMs: remainingMs(),
      },
    )
    const tests = countReport(reportPath)
    count.passed += tests?.passed ?? 0
    count.failed += tests?.failed ?? 0
    count.skipped.push(...(tests?.skipped ?? []))
    // Failed without a failed test: an unhandled error, a time-out, or no report at all.
    if (!succeeded && (tests?.failed ?? 0) === 0) count.failed += 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await postgres?.stop()
  }
}

function foldersOfCommands() {
  const folders = readdirSync(join(projectRoot, 'test')).map((name) => join('test', name))
  return folders.filter((folder) => existsSync(join(projectRoot, folder, 'tsconfig.json')))
}
