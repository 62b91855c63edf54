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
