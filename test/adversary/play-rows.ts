import type { TestProjectInlineConfiguration } from 'vitest/config'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { startVitest } from 'vitest/node'
import { projectRoot } from '../support/project-root.ts'
import type { Outcome } from './outcome.ts'
import { loadUndefended } from './undefended/load-undefended.ts'
import type { SwitchOff } from './undefended/switch-off.ts'

type NamedProject = TestProjectInlineConfiguration & { readonly test: { readonly name: string } }

/** How one story ended. `message`: of the assertion that failed, or of what kept it from being played at all. */
export interface Played {
  readonly id: string
  readonly title: string
  readonly isStopped: boolean
  readonly outcome?: Outcome
  readonly message?: string
  /** It is not the story, but what is to hold beside every one. */
  readonly isControl: boolean
  /** It was not the story that failed. */
  readonly isBroken: boolean
}

/** An undefended story may wait in vain, and then close what it has begun. */
const ROW_TIMEOUT_MS = 60_000
/** Without its defence a member may fill all the memory that there is: the row then ends, and the machine goes on. */
const ROW_HEAP_MIB = 1_024
const STORIES = 'test/adversary/adversary.test.ts'
/** The story of the honest relay. */
const CONTROL = '-'
export const NOT_LOADED = 'not loaded'

/** Plays these attacks, or all, against the product as it is. */
export function playDefended(ids: readonly string[]): Promise<Played[]> {
  return playIn([
    {
      extends: true,
      test: { name: 'defended', env: { Y_SEALED_ATTACKS: ids.join(' ') }, testTimeout: ROW_TIMEOUT_MS },
    },
  ])
}

/** Plays each attack against the product without the defence that stops it; each in a project of its own, since edits do not mix. */
export function playUndefended(switches: readonly SwitchOff[]): Promise<Played[]> {
  const root = projectRoot()
  const each = switches.map(({ id, edits }) => ({
    extends: true as const,
    plugins: [loadUndefended(root, edits)],
    test: {
      name: id,
      env: { Y_SEALED_ATTACKS: id },
      testTimeout: ROW_TIMEOUT_MS,
      execArgv: [`--max-old-space-size=${ROW_HEAP_MIB}`],
    },
  }))
  return playIn(each)
}

const UNHANDLED = {
  id: CONTROL,
  title: 'an error that nobody handles',
  isStopped: false,
  isControl: true,
  isBroken: true,
}

async function playIn(projects: readonly NamedProject[]): Promise<Played[]> {
  const played: Played[] = []
  const reporter: Reporter = {
    onTestCaseResult: (test) => void played.push(playedOf(test)),
    onTestModuleEnd(module) {
      for (const error of module.errors()) played.push({ ...broken(module), message: error.message })
    },
  }
  const vitest = await startVitest(
    'test',
    // A project has every test file by default: this leaves one of them.
    [STORIES],
    // Without those of the tests' own configuration, which would tell every story once more.
    {
      root: projectRoot(),
      watch: false,
      reporters: [reporter],
      project: projects.map(({ test }) => test.name),
    },
    {
      test: { projects: [...projects] },
    },
  )
  // An attack that succeeds may well leave one; where all are stopped there is none.
  for (const error of vitest.state.getUnhandledErrors())
    played.push({ ...UNHANDLED, message: error instanceof Object && 'message' in error ? String(error.message) : '' })
  await vitest.close()
  return played
}

function playedOf(test: TestCase): Played {
  const [id = CONTROL, title = test.name] = test.name.split(/: (.*)/s)
  const { state, errors } = test.result()
  const { outcome } = test.meta()
  const isControl = id === CONTROL
  return {
    id: isControl ? test.project.name : id,
    title,
    isStopped: state === 'passed',
    isControl,
    isBroken: isControl && state !== 'passed',
    ...(outcome && { outcome }),
    ...(errors?.[0] && { message: errors[0].message }),
  }
}

function broken({ project }: TestModule): Omit<Played, 'message' | 'outcome'> {
  return { id: project.name, title: NOT_LOADED, isStopped: false, isControl: true, isBroken: true }
}
