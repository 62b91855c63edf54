import { parseArgs } from 'node:util'

export interface BenchArguments {
  readonly rows: readonly string[] | undefined
  /** The only servers to be measured; undefined: all. */
  readonly servers: readonly string[] | undefined
  readonly repetitions: number
  readonly jsonPath: string | undefined
  readonly markdownPath: string | undefined
  readonly isSample: boolean
  /** The JSON of an earlier run, to be rendered instead of measured anew. */
  readonly fromPath: string | undefined
}

// Fewer give no spread worth the name.
const REPETITIONS = 5

export const USAGE =
  'npm run bench [-- [--rows a,b] [--servers a,b] [--repetitions N] [--json FILE] [--markdown FILE] [--sample]]\n' +
  'npm run bench -- --from FILE.json --markdown FILE'

/** Throws a TypeError for what it does not know. */
export function parseArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string' },
      servers: { type: 'string' },
      repetitions: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      from: { type: 'string' },
      sample: { type: 'boolean', default: false },
    },
  })
  const repetitions = Number(values.repetitions ?? (values.sample ? 1 : REPETITIONS))
  if (!Number.isInteger(repetitions) || repetitions < 1) throw new TypeError('--repetitions is a number from 1')
  return {
    rows: names(values.rows),
    servers: names(values.servers),
    repetitions,
    jsonPath: values.json,
    markdownPath: values.markdown,
    isSample: values.sample,
    fromPath: values.from,
  }
}

function names(list: string | undefined): string[] | undefined {
  return list?.split(',').map((name) => name.trim())
}
