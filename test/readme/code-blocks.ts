import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectRoot } from '../support/project-root.ts'

export interface CodeBlock {
  readonly title: string
  readonly language: string
  readonly code: string
}

/** The `ts`, `tsx` and `js` blocks of a Markdown page, each titled by the heading above it. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let heading = ''
  let language = ''
  let code: string[] | undefined
  for (const line of markdown.split('\n')) {
    if (code !== undefined) {
      if (line === '```') {
        blocks.push({ title: heading, language, code: code.join('\n') })
        code = undefined
      } else code.push(line)
    } else if (/^```(tsx?|js)$/.test(line)) {
      language = line.slice(3)
      code = []
    } else if (/^#+ /.test(line)) heading = line.replace(/^#+ /, '')
  }
  return blocks
}

/** Runs blocks of pages; `close()` takes away what it wrote for that. */
export interface BlockRunner {
  /**
   * Runs a block as the reader who typed it would.
   * @param addresses what stands for the page's addresses in this run
   */
  run(block: CodeBlock, addresses: Readonly<Record<string, string>>): Promise<void>
  close(): void
}

export function startBlockRunner(): BlockRunner {
  // Inside the project, so that its packages resolve; one for each test file, since they run at once.
  const parent = join(projectRoot(), 'test/readme/.blocks')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'run-'))
  let runs = 0
  return {
    async run({ code, language }, addresses) {
      // Another name each time: a module runs once. In kebab-case, as every file below `test`: another test looks at them meanwhile.
      const file = join(folder, `block-${++runs}.${language === 'tsx' ? 'tsx' : 'ts'}`)
      const written = Object.entries(addresses).reduce((text, [theirs, ours]) => text.replaceAll(theirs, ours), code)
      writeFileSync(file, written)
      await import(pathToFileURL(file).href)
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}
