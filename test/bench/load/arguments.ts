import { parseArgs } from 'node:util'

export interface LoadArguments {
  /** Relay processes; more than one share a PostgreSQL and a Redis. */
  readonly nodes: number
  /** PostgreSQL also for a single node; else that has SQLite. */
  readonly onPostgres: boolean
  readonly rooms: number
  readonly membersPerRoom: number
  /** Of each member. */
  readonly keystrokesPerSecond: number
  readonly seconds: number
  readonly jsonPath: string | undefined
}

// Above that a machine's cores say nothing about nodes any more.
const MAX_NODES = 8
const MAX_MEMBERS = 20_000
// A run ends, whatever somebody asks for.
const MAX_SECONDS = 600

export const USAGE =
  'npm run load [-- [--nodes N] [--postgres] [--rooms N] [--members N] [--rate N] [--seconds N] [--json FILE] [--sample]]'

/** Throws a TypeError for what it does not know, or what is too much. */
export function parseLoadArguments(args: readonly string[]): LoadArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      nodes: { type: 'string', default: '3' },
      postgres: { type: 'boolean', default: false },
      rooms: { type: 'string' },
      members: { type: 'string' },
      rate: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      sample: { type: 'boolean', default: false },
    },
  })
  const isSample = values.sample
  const nodes = numberOf('--nodes', values.nodes, MAX_NODES)
  const rooms = numberOf('--rooms', values.rooms ?? (isSample ? '5' : '100'), MAX_MEMBERS)
  const membersPerRoom = numberOf('--members', values.members ?? '4', MAX_MEMBERS / rooms)
  return {
    ...{ nodes, rooms, membersPerRoom },
    onPostgres: values.postgres || nodes > 1,
    keystrokesPerSecond: numberOf('--rate', values.rate ?? '2', 1_000),
    seconds: numberOf('--seconds', values.seconds ?? (isSample ? '6' : '40'), MAX_SECONDS),
    jsonPath: values.json,
  }
}

function numberOf(flag: string, text: string, most: number): number {
  const number = Number(text)
  if (!(number > 0 && number <= most)) throw new TypeError(`${flag}: a number up to ${most}\n${USAGE}`)
  return number
}
