import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { projectRoot } from '../support/project-root.ts'
import { attacks } from './attacks/all-attacks.ts'
import { notPlayed } from './attacks/not-played.ts'
import type { Played } from './play-rows.ts'
import { switches } from './undefended/all-switches.ts'
import { switchedOff } from './undefended/switch-off.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** One of all, since it starts a test runner of its own; the others are for `npm run adversary -- --undefended`. */
const SAMPLE = ['B4']
const SAMPLE_PATIENCE_MS = 60_000

const CONTROL: Partial<Played> = { isControl: true, isStopped: true }
const NOT_RED = (says: string): Verdict => ({ isRed: false, says })

describe('without its defence', () => {
  test('each attack has one that can be switched off, and none is listed twice', () => {
    const ids = attacks.map(({ id }) => id)
    expect(switches.map(({ id }) => id).sort()).toEqual([...ids].sort())
    expect(new Set(ids).size).toBe(ids.length)
    expect(notPlayed.filter(({ id }) => ids.includes(id))).toEqual([])
    // A to F: each id is told of, or played; some have several stories.
    const told = new Set([...ids, ...notPlayed.map(({ id }) => id)].map((id) => id.replace(/[a-z]$/, '')))
    const ends = { A: 11, B: 13, C: 14, D: 14, E: 8, F: 5 }
    const catalogue = Object.entries(ends).flatMap(([letter, end]) =>
      Array.from({ length: end }, (_, i) => `${letter}${i + 1}`),
    )
    expect(catalogue.filter((id) => !told.has(id))).toEqual([])
  })

  test.each(notPlayed.flatMap(({ id, test: file }) => (file === undefined ? [] : [{ id, file }])))(
    '$id is not played here, and is a test of its own in $file',
    ({ id, file }) => {
      const titles = readFileSync(join(projectRoot(), file), 'utf8').match(
        /^\s*(?:describe|test|it)(?:\.[^(]*)?\(.*$(?:\n\s+['"`].*$)?/gm,
      )
      expect(titles?.filter((title) => new RegExp(`\\b${id}\\b`).test(title))).not.toEqual([])
    },
  )

  test.each(switches)('$id: what is switched off is where it was', ({ edits }) => {
    for (const file of new Set(edits.map((edit) => edit.file))) {
      const source = readFileSync(join(projectRoot(), file), 'utf8')
      const other = edits.filter((edit) => edit.file === file).reduce(switchedOff, source)
      expect(other).not.toBe(source)
    }
  })

  test.each<[string, readonly Partial<Played>[], Verdict]>([
    [
      'succeeds as its switch says',
      [CONTROL, { message: 'a ghost is shown' }],
      { isRed: true, says: 'a ghost is shown' },
    ],
    ['fails otherwise', [CONTROL, { message: 'no such file' }], NOT_RED('red for another reason: no such file')],
    ['is stopped', [CONTROL, { isStopped: true }], NOT_RED('the attack is stopped all the same')],
    ['is never told of', [CONTROL], NOT_RED('the story did not come to its end')],
    [
      'is told of where nothing works',
      [{ ...CONTROL, isStopped: false, isBroken: true, message: 'no relay' }, { message: 'a ghost is shown' }],
      NOT_RED('nothing works without it: no relay'),
    ],
  ])('a story that %s', (_what, rows, verdict) => {
    const played = rows.map((row) => ({
      id: 'X1',
      title: '',
      isStopped: false,
      isControl: false,
      isBroken: false,
      ...row,
    }))
    expect(verdictOf({ red: /a ghost/ }, played)).toEqual(verdict)
  })

  const play = (...flags: string[]) =>
    spawnSync(process.execPath, ['test/bin/adversary.mjs', ...flags, ...SAMPLE], {
      cwd: projectRoot(),
      encoding: 'utf8',
      timeout: SAMPLE_PATIENCE_MS,
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))),
    })

  test(
    `attack ${SAMPLE.join(' and ')} succeeds`,
    () => {
      const { status, stdout } = play('--undefended')
      expect(stdout).toContain(`${SAMPLE.length} defences switched off, 0 of them not missed`)
      expect(status).toBe(0)
    },
    SAMPLE_PATIENCE_MS,
  )

  test(
    `and does not where nothing is switched off; each attack is played once`,
    () => {
      const { status, stdout } = play()
      expect(stdout).toContain(`\n${SAMPLE.length} attacks, 0 succeeded`)
      expect(status).toBe(0)
    },
    SAMPLE_PATIENCE_MS,
  )
})
