import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { de } from '../../../demo-editor/src/messages/de.ts'
import { en, type MessageKey } from '../../../demo-editor/src/messages/en.ts'
import { PROBLEMS } from '../../../packages/provider/src/sealed-error.ts'
import { filesBelow, projectRoot } from '../../boundaries/workspaces.ts'

const keys = Object.keys(en) as MessageKey[]
const placesIn = (message: string) => [...message.matchAll(/\{\w+\}/g)].map(String).sort()
const read = (file: string) => readFileSync(join(projectRoot, file), 'utf8')
const page = read('demo-editor/index.html')

describe('the words of the demo’s interface', () => {
  it('two languages with the same messages, and the same values in each', () => {
    expect(Object.keys(de)).toEqual(keys)
    for (const key of keys) expect(placesIn(de[key]), key).toEqual(placesIn(en[key]))
    const same = keys.filter((key) => de[key] === en[key])
    // Names, and words that German has too.
    expect(same).toEqual(
      ['page.title', 'documents.name', 'tool.code', 'tool.link', 'tool.with-keys', 'share.add.hint', 'link.title'].sort(
        byTable,
      ),
    )
  })

  it('every code of the provider has words of its own that say what to do or expect, and no code in them', () => {
    for (const code of Object.keys(PROBLEMS)) {
      for (const table of [en, de] as Record<string, string>[]) {
        const words = table[`problem.${code}`] ?? ''
        expect(words.split(/[.;:] /).length, `${code}: ${words}`).toBeGreaterThanOrEqual(2)
        expect(words).not.toContain(code)
      }
    }
    expect(new Set(keys.filter((key) => key.startsWith('problem.')).map((key) => en[key])).size).toBe(
      keys.filter((key) => key.startsWith('problem.')).length,
    )
  })

  it('index.html has places for words and none itself', () => {
    const body = page.slice(page.indexOf('<body>')).replaceAll(/<svg[\s\S]*?<\/svg>/g, '')
    const words = [...body.matchAll(/>([^<>]*\p{L}[^<>]*)</gu)].map(([, text]) => text?.trim())
    // Two people, their initials, and what is no word in any language.
    expect(words).toEqual(['y-sealed', '0 B', 'hex', 'A', 'Alice', 'B', 'Bob'])
    expect(page.match(/\s(?:title|aria-label|alt)="/g)).toBeNull()
    for (const [, key] of page.matchAll(/data-(?:text|label|title|hint|content|wait)="([^"]+)"/g))
      expect(keys).toContain(key)
  })

  it('no file of the page has words but the tables', () => {
    const found = filesBelow('demo-editor/src')
      .filter((file) => file.endsWith('.ts') && !file.includes('/messages/'))
      .flatMap((file) =>
        literalsOf(read(file))
          .filter(isWording)
          .map((text) => `${file}: ${text}`),
      )
    expect(found).toEqual([])
    const styled = filesBelow('demo-editor/src').filter((file) => file.endsWith('.css'))
    expect(styled.flatMap((file) => read(file).match(/content:\s*"[^"]*\p{L}[^"]*"/gu) ?? [])).toEqual([])
  })

  it('every message is used', () => {
    const sources = filesBelow('demo-editor/src').filter((file) => file.endsWith('.ts') && !file.includes('/messages/'))
    const text = sources.map(read).join('\n') + page
    const isNamed = (key: string) => text.includes(`'${key}'`) || text.includes(`"${key}"`)
    // `share.role.${role}`: named by its beginning.
    const isBuilt = (key: string) =>
      [...text.matchAll(/`([\w.-]+[.])\$\{/g)].some(([, start]) => key.startsWith(start ?? ' '))
    // StateName
    const isState = (key: string) => /^(encryption|connection|storage)\./.test(key)
    expect(keys.filter((key) => !isNamed(key) && !isBuilt(key) && !isState(key))).toEqual([])
  })
})

const byTable = (one: string, other: string) => keys.indexOf(one as MessageKey) - keys.indexOf(other as MessageKey)

/** String literals and the fixed parts of templates, without comments and imports. */
function literalsOf(source: string): string[] {
  const code = source
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '')
    .replaceAll(/^import .*$/gm, '')
    .replaceAll(/^.*\b(?:throw new|super\() ?.*$/gm, '')
  return [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(([, plain, template]) =>
    (plain ?? template ?? '').replaceAll(/\$\{[^}]*\}/g, ''),
  )
}

const classNames = new Set(
  filesBelow('demo-editor/src')
    .filter((file) => file.endsWith('.css'))
    .flatMap((file) => [...read(file).matchAll(/\.([a-z][\w-]*)/gi)].map(([, name]) => name)),
)

/** Two words of letters that are no class names, or one that begins a sentence. */
function isWording(text: string): boolean {
  const words = text.trim().split(/\s+/)
  if (/[<>#[\]=;/]/.test(text) || words.every((word) => classNames.has(word))) return false
  const isSentence = words.length > 1 && words.filter((word) => /^\p{L}{2,}[.,:!?…]?$/u.test(word)).length > 1
  return isSentence || /^\p{Lu}\p{Ll}{2,}[.:!?…]?$/u.test(text.trim()) ? !NAMES.has(text.trim()) : false
}

/** People of the demo, and what browsers and protocols call things. */
const NAMES = new Set(['Alice', 'Bob', 'Robin', 'Escape', 'Home', 'Enter', 'Bearer', 'noopener noreferrer nofollow'])
