import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../support/project-root.ts'

/** A row of docs/metadata.md. */
export interface MetadataRow {
  /** `up.{join,leave}.channel` stands for two of them. */
  readonly fields: string[]
  readonly why: string
  readonly tells: string
  readonly lessen: string
}

/** The rows of every table whose first column is "field". */
export function readMetadataTable(): MetadataRow[] {
  const page = readFileSync(join(projectRoot(), 'docs', 'metadata.md'), 'utf8')
  const tables = page.split(/^\| field \|.*\n/m).slice(1)
  const rows = tables.flatMap((table) => table.split('\n\n')[0]?.split('\n') ?? [])
  return rows.filter((row) => row.startsWith('| `')).map(parseRow)
}

function parseRow(row: string): MetadataRow {
  const [, named = '', why = '', tells = '', lessen = ''] = row.split('|').map((cell) => cell.trim())
  return { fields: [...named.matchAll(/`([^`]+)`/g)].flatMap(([, name]) => expand(name as string)), why, tells, lessen }
}

/** Shell braces: `a.{b,c}.d` → `a.b.d`, `a.c.d`. */
function expand(name: string): string[] {
  const braces = /^(.*?)\{([^}]*)\}(.*)$/.exec(name)
  if (braces === null) return [name]
  const [, before, choices = '', after] = braces
  return choices.split(',').flatMap((choice) => expand(`${before}${choice.trim()}${after}`))
}
