import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/**
 * A rule without a test is a wish, and a test of no rule is a rule that nobody wrote down.
 * Rules stand in a SPEC.md at the start of a line or table row, bold: **WIRE-7**. Test titles cite them in brackets:
 * [WIRE-7], [WIRE-7, WIRE-8] or [WIRE-7] [WIRE-8].
 */
const testRoot = new URL('../../', import.meta.url)
const packagesRoot = new URL('../../../packages/', import.meta.url)

const cited = citations()

describe.each([
  ['ENV', 'envelope'],
  ['WIRE', 'protocol'],
])('rules %s-n of packages/%s/SPEC.md', (prefix, folder) => {
  const spec = new URL(`${folder}/SPEC.md`, packagesRoot)
  const rules = existsSync(spec) ? rulesOf(readFileSync(spec, 'utf8'), prefix) : []

  it('exist, each defined once', () => {
    expect(rules).not.toEqual([])
    expect(rules.filter((rule, index) => rules.indexOf(rule) !== index)).toEqual([])
  })

  it('are each cited by the title of a test', () => {
    expect(rules.filter((rule) => !cited.has(rule))).toEqual([])
  })

  it('are the only ones that titles cite', () => {
    const unknown = [...cited].filter((rule) => rule.startsWith(`${prefix}-`) && !rules.includes(rule))
    expect(unknown).toEqual([])
  })
})

function rulesOf(spec: string, prefix: string): string[] {
  return [...spec.matchAll(new RegExp(`^(?:[-*|] *)?\\*\\*(${prefix}-\\d+)`, 'gm'))].map(([, rule]) => rule ?? '')
}

/** Every rule cited by a title. What a comment cites does not count: a title begins with a quote. */
function citations(): Set<string> {
  const files = readdirSync(testRoot, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.(test|contract)\.ts$/.test(file) && !file.includes('node_modules'),
  )
  const rules = new Set<string>()
  for (const file of files) {
    const source = readFileSync(new URL(file, testRoot), 'utf8')
    for (const [cited] of source.matchAll(/['"`](?:\[(?:(?:ENV|WIRE)-\d+(?:, )?)+\] ?)+/g)) {
      for (const [rule] of cited.matchAll(/(?:ENV|WIRE)-\d+/g)) rules.add(rule)
    }
  }
  return rules
}
