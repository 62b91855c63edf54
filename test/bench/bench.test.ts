import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseUpFrame } from '@y-sealed/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { projectRoot } from '../support/project-root.ts'
import { countCharacters, Keystrokes } from './clients/keystrokes.ts'
import { appendFrame } from './clients/protocols/sealed-appends.ts'
import type { Results } from './report/results.ts'

// The sample takes at most half a minute; compiling and a busy machine take the rest.
const PATIENCE_MS = 150_000

describe('npm run bench -- --sample', () => {
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-bench-test-'))
  let results: Results
  let markdown: string
  let processId: number

  beforeAll(async () => {
    const [json, page] = [join(folder, 'results.json'), join(folder, 'page.md')]
    const args = ['test/bin/bench.mjs', '--sample', '--json', json, '--markdown', page]
    const child = spawn(process.execPath, args, { cwd: projectRoot(), stdio: ['ignore', 'pipe', 'pipe'] })
    processId = child.pid ?? 0
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    }
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(code, output).toBe(0)
    results = JSON.parse(readFileSync(json, 'utf8')) as Results
    markdown = readFileSync(page, 'utf8')
  }, PATIENCE_MS)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const figuresOf = () =>
    results.rows.flatMap(({ name, figures }) =>
      Object.entries(figures).flatMap(([subject, all]) => all.map((one) => ({ row: name, subject, figures: one }))),
    )

  it('measures y-sealed beside the y-websocket server and a bare forwarder, and every figure is a finite number', () => {
    expect([...new Set(figuresOf().map(({ subject }) => subject))]).toEqual(
      expect.arrayContaining(['y-sealed', 'y-websocket', 'forwarder']),
    )
    const infinite = figuresOf().filter(({ figures }) => !Object.values(figures).every(Number.isFinite))
    expect(infinite).toEqual([])
  })

  it('delivers every keystroke that was typed, counts them right, and loses none that was acked', () => {
    const lost = figuresOf().filter(({ subject, figures }) => {
      const { undelivered = 0, lost = 0, miscounted = 0 } = figures
      // What a kill -9 costs a peer is what that row is there to show.
      return undelivered !== 0 || miscounted !== 0 || (lost !== 0 && subject.startsWith('y-sealed'))
    })
    expect(lost).toEqual([])
    expect(figuresOf().some(({ row }) => row === 'kill')).toBe(true)
  })

  it('writes a page of them, with the machine and what falls short', () => {
    expect(markdown).toContain(results.circumstances.processor)
    expect(markdown).toContain('## What falls short')
    for (const { name } of results.rows) expect(markdown).toContain(`\`${name}\``)
  })

  it('leaves no process behind', () => {
    // Servers of the bench load its probe, so that all its processes name this folder.
    const { stdout } = spawnSync('ps', ['-A', '-o', 'ppid=,args='], { encoding: 'utf8' })
    const left = stdout
      .split('\n')
      .filter(
        (line) => line.trim().startsWith(`${processId} `) || line.includes(join(projectRoot(), 'test/bench/dist')),
      )
    expect(left).toEqual([])
  })
})

describe('a load client', () => {
  it('types what Yjs would have made of it', () => {
    const doc = new Y.Doc()
    doc.clientID = 2 ** 30 + 5
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    for (let k = 0; k < 300; k++) doc.getText('text').insert(k, 'k')
    const keystrokes = new Keystrokes(doc.clientID)
    expect(updates.map(() => keystrokes.next())).toEqual(updates)
  })

  it('counts the characters of others, also where a server has merged their updates', () => {
    const [anna, ben] = [new Keystrokes(2 ** 30 + 1), new Keystrokes(2 ** 30 + 2)]
    const updates = [anna.next(), anna.next(), ben.next(), anna.next()]
    expect(updates.map((update) => countCharacters(update, 0, ben.clientId))).toEqual([1, 1, 0, 1])
    expect(countCharacters(Y.mergeUpdates(updates), 0, ben.clientId)).toBe(3)
  })

  it('writes the appends that the codec reads', () => {
    const envelopes = [1, 127, 128, 20_000].map((length) => new Uint8Array(length).fill(length))
    const [append] = parseUpFrame(appendFrame(70_000, envelopes))
    const entries = envelopes.map((envelope) => ({ proof: new Uint8Array(0), envelope }))
    expect(append).toEqual({ type: 'append', channel: 1, request: 70_000, envelopes: entries })
  })
})
