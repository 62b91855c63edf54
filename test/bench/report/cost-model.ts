import type { Row } from '../rows/row.ts'
import { format } from './cells.ts'
import { type FigureOf, figureOf, type Results } from './results.ts'

// One hour of somebody who writes all the time, by the pace of a quick typist who also thinks.
const KEYSTROKES_PER_SECOND = 2
const KEYSTROKES_PER_HOUR = KEYSTROKES_PER_SECOND * 3_600
const PEOPLE_IN_A_DOCUMENT = 5
const PEOPLE = 1_000
const DOCUMENTS = 300

/** What a user and a document cost, computed from the medians of a run. Figures that were not measured are left out with their lines. */
export function costModel(results: Results, rows: readonly Row[]): string {
  const figure = figureOf(results, rows)
  const lines = [...bytes(figure), ...processor(figure), ...memory(figure)]
  if (lines.length === 0) return 'Not enough was measured.'
  return ['| what | relay of y-sealed | how it is computed |', '|---|---:|---|', ...lines].join('\n')
}

function bytes(figure: FigureOf): string[] {
  const padded = 'y-sealed, padding on'
  const stored = figure('bytes', padded, 'envelopeBytes')
  const up = figure('bytes', padded, 'upBytes')
  const down = figure('bytes', padded, 'downBytes')
  const opened = figure('cold-open', 'y-sealed', 'downKb')
  const state = figure('cold-open', 'y-sealed', 'stateKb')
  const hour = `${KEYSTROKES_PER_HOUR.toLocaleString('en')} keystrokes, each an entry of its own`
  return [
    line('stored for an hour of writing, before compaction', stored, (each) => mb(each * KEYSTROKES_PER_HOUR), hour),
    line('sent by its writer', up, (each) => mb(each * KEYSTROKES_PER_HOUR), hour),
    line('received by each reader', down, (each) => mb(each * KEYSTROKES_PER_HOUR), hour),
    line(
      'first opening of a document of 260,000 edits',
      opened,
      (kb) => mb(kb * 1e3),
      `its Yjs state: ${state === undefined ? 'not measured' : mb(state * 1e3)}`,
    ),
  ].flat()
}

function processor(figure: FigureOf): string[] {
  const readers = PEOPLE_IN_A_DOCUMENT - 1
  const deliveries = KEYSTROKES_PER_HOUR * readers
  const how = (name: string): string =>
    `${deliveries.toLocaleString('en')} deliveries to ${readers} readers, as in \`${name}\``
  const seconds = (per100k: number): string => `${format((per100k * deliveries) / 100_000, 1)} CPU-s`
  return ['one-room-in-step', 'many-rooms'].flatMap((name) =>
    line(
      `an hour of one writer in a document of ${PEOPLE_IN_A_DOCUMENT}`,
      figure(name, 'y-sealed', 'cpuSecondsPer100k'),
      seconds,
      how(name),
    ),
  )
}

function memory(figure: FigureOf): string[] {
  const base = figure('memory-connection', 'y-sealed', 'baseMb')
  const connection = figure('memory-connection', 'y-sealed', 'kbEach')
  const document = figure('memory-document', 'y-sealed', 'kbEach')
  const peak = figure('crowd', '20 MB', 'peakMb')
  const people = PEOPLE.toLocaleString('en')
  return [
    line('a connection', connection, (kb) => `${format(kb, 1)} kB`, '`memory-connection`'),
    line('an open document of 50 kB', document, (kb) => `${format(kb, 1)} kB`, '`memory-document`'),
    base === undefined || connection === undefined || document === undefined
      ? []
      : line(
          `${people} people in ${DOCUMENTS} documents`,
          base + (connection * PEOPLE + document * DOCUMENTS) / 1e3,
          (all) => `${format(all, 0)} MB`,
          `${format(base, 0)} MB, a connection each, and the documents`,
        ),
    line('150 people who open 20 MB at once, at the peak', peak, (all) => `${format(all, 0)} MB`, '`crowd`'),
  ].flat()
}

function line(what: string, value: number | undefined, show: (value: number) => string, how: string): string[] {
  return value === undefined ? [] : [`| ${what} | ${show(value)} | ${how} |`]
}

function mb(bytes: number): string {
  return `${format(bytes / 1e6, 2)} MB`
}
