import type { Page } from 'playwright-core'
import { withBenchPage } from '../browser/open-page.ts'
import type { Arrived, CheckpointCost, PlainYjs, SealThroughput } from '../browser-page/answers.ts'
import type { ConnectInput } from '../clients/load-process.ts'
import { median } from '../report/statistics.ts'
import { atMost } from './goals.ts'
import type { Bench, Figures, Row } from './row.ts'
import { withServer } from './with-server.ts'

export const BROWSER_ENTRIES = 10_000
const SAMPLE_ENTRIES = 1_000
// The first of them compiles; the middle one of three is neither the first nor the luckiest.
const ROUNDS = 3
export const CHROMIUM = 'Chromium'

/** A page that receives ten thousand entries, beside a page that has only Yjs to apply them. */
export const browserRow: Row = {
  name: 'browser',
  title: `a browser: ${BROWSER_ENTRIES.toLocaleString('en')} entries arrive`,
  note:
    'Each entry is one keystroke, sealed on its own. Opening: a real provider, from its construction to `sync(true)`; live: the same number arrives in an open ' +
    'document. Plain: Yjs applies the same updates one after the other, as a plaintext provider does. Middle of three rounds in one page.',
  metrics: [
    { key: 'sealedPerSecond', label: 'sealed/s', digits: 0 },
    { key: 'openedPerSecond', label: 'opened/s', digits: 0 },
    { key: 'sealedMbPerSecond', label: 'seal MB/s', digits: 0 },
    { key: 'openedMbPerSecond', label: 'open MB/s', digits: 0 },
    { key: 'catchUpMs', label: 'open document ms', digits: 0 },
    { key: 'plainMs', label: 'plain Yjs ms', digits: 0 },
    { key: 'plainTransactionMs', label: 'in one transaction ms', digits: 0 },
    { key: 'ratio', label: 'ratio to plain', digits: 2 },
    { key: 'catchUpStallMs', label: 'longest stall ms', digits: 0 },
    { key: 'stallRatio', label: 'stall to plain', digits: 2 },
    { key: 'liveMs', label: 'live ms', digits: 0 },
    { key: 'liveStallMs', label: 'live stall ms', digits: 0 },
    { key: 'missing', label: 'missing', digits: 0 },
  ],
  goals: [
    atMost(CHROMIUM, 'stallRatio', 'longest stall, to plain Yjs,', 1.5, '×'),
    atMost(CHROMIUM, 'ratio', 'the whole, to plain Yjs,', 1.5, '×'),
  ],
  subjects: (bench) => (bench.isSample ? [] : [{ name: CHROMIUM, measure: () => measureArrivals(bench) }]),
}

async function measureArrivals(bench: Bench): Promise<Figures> {
  const entries = bench.isSample ? SAMPLE_ENTRIES : BROWSER_ENTRIES
  return withServer(bench, 'y-sealed', async ({ server, startClients }) => {
    const writer = startClients('clients/load-process')
    const { url } = server
    const client: ConnectInput = { kind: 'y-sealed', url, rooms: ['room'], clientsPerRoom: 1, sealsReally: true }
    await writer.call('connect', client)
    await writer.call('typeBlindly', entries)
    return withBenchPage(async (page) => {
      const throughput = await ask<SealThroughput>(page, 'sealAndOpen', entries)
      const plain: PlainYjs[] = []
      const caughtUp: Arrived[] = []
      for (let round = 0; round < ROUNDS; round++) {
        plain.push(await ask<PlainYjs>(page, 'plain', entries))
        caughtUp.push(await ask<Arrived>(page, 'catchUp', url, 'room'))
      }
      await ask(page, 'listen', url, 'room', 2 * entries)
      await writer.call('typeBlindly', entries)
      const live = await ask<Arrived>(page, 'listened')

      const plainMs = median(plain.map(({ oneByOneMs }) => oneByOneMs))
      const catchUpMs = median(caughtUp.map(({ elapsedMs }) => elapsedMs))
      const catchUpStallMs = median(caughtUp.map(({ longestStallMs }) => longestStallMs))
      return {
        ...throughput,
        catchUpMs,
        plainMs,
        plainTransactionMs: median(plain.map(({ oneTransactionMs }) => oneTransactionMs)),
        ratio: catchUpMs / plainMs,
        catchUpStallMs,
        // Plain Yjs does it in one piece: it is one stall.
        stallRatio: catchUpStallMs / plainMs,
        liveMs: live.elapsedMs,
        liveStallMs: live.longestStallMs,
        missing: entries * ROUNDS - caughtUp.reduce((sum, { characters }) => sum + characters, 0),
      }
    })
  })
}

const CHECKPOINTS_MB = [1, 5, 20]

/** What a checkpoint costs the page that makes it. */
export const browserCheckpointRow: Row = {
  name: 'browser-checkpoint',
  title: 'a browser makes a checkpoint',
  note:
    'A document of many small pieces. Encoding is one call of Yjs, which nothing can interrupt; sealing is followed by opening it again, as the provider does. ' +
    'The longest stall is how long the main thread was kept at a stretch while it was sealed.',
  metrics: [
    { key: 'stateMb', label: 'state MB', digits: 1 },
    { key: 'encodeMs', label: 'encode ms (one stall)', digits: 0 },
    { key: 'sealMs', label: 'seal ms', digits: 0 },
    { key: 'sealStallMs', label: 'longest stall while sealing ms', digits: 0 },
  ],
  goals: CHECKPOINTS_MB.map((mb) => atMost(`${mb} MB`, 'sealStallMs', `stall while ${mb} MB are sealed`, 50, 'ms')),
  subjects: (bench) =>
    bench.isSample
      ? []
      : CHECKPOINTS_MB.map((mb) => ({ name: `${mb} MB`, measure: () => withBenchPage((page) => costOf(page, mb)) })),
}

async function costOf(page: Page, mb: number): Promise<Figures> {
  // The first one compiles.
  await ask<CheckpointCost>(page, 'checkpointCost', 500_000)
  const cost = await ask<CheckpointCost>(page, 'checkpointCost', mb * 1_000_000)
  return {
    stateMb: cost.stateBytes / 1e6,
    encodeMs: cost.encodeMs,
    sealMs: cost.sealMs,
    sealStallMs: cost.longestSealStallMs,
  }
}

/** Calls a method of the page's BenchPage. */
function ask<Result>(page: Page, method: string, ...input: (string | number)[]): Promise<Result> {
  return page.evaluate(
    ([name, args]) => {
      const { benchPage } = globalThis as unknown as { benchPage: Record<string, (...args: unknown[]) => unknown> }
      // Page and bench are compiled together.
      return benchPage[name]?.(...args) as Result
    },
    [method, input] as const,
  )
}
