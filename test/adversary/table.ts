/** Columns as wide as what is in them, up to a width at which a terminal still shows them side by side; longer cells are broken at spaces. */
const MAX_WIDTH = 44

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => broken(cell)))
  const widths = head.map((_, column) => Math.max(...cells.map((row) => Math.max(...widthsOf(row[column] ?? [])))))
  const lines = cells.flatMap((row) => linesOf(row, widths))
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  const headLines = linesOf(cells[0] ?? [], widths).length
  return [...lines.slice(0, headLines), rule, ...lines.slice(headLines)].join('\n')
}

function linesOf(row: readonly (readonly string[])[], widths: readonly number[]): string[] {
  const height = Math.max(...row.map(({ length }) => length))
  return Array.from({ length: height }, (_, line) =>
    widths
      .map((width, column) => (row[column]?.[line] ?? '').padEnd(width))
      .join('  ')
      .trimEnd(),
  )
}

const widthsOf = (lines: readonly string[]): number[] => [0, ...lines.map(({ length }) => length)]

function broken(cell: string): string[] {
  const lines: string[] = ['']
  for (const word of cell.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last !== '' && last.length + 1 + word.length > MAX_WIDTH) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}
