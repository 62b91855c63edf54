export interface CodeBlock {
  readonly title: string
  readonly code: string
}

/** The `ts` and `js` blocks of a Markdown page, each titled by the heading above it. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let heading = ''
  let code: string[] | undefined
  for (const line of markdown.split('\n')) {
    if (code !== undefined) {
      if (line === '```') {
        blocks.push({ title: heading, code: code.join('\n') })
        code = undefined
      } else code.push(line)
    } else if (/^```(ts|js)$/.test(line)) code = []
    else if (/^#+ /.test(line)) heading = line.replace(/^#+ /, '')
  }
  return blocks
}
