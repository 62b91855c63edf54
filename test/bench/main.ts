import { readFileSync, writeFileSync } from 'node:fs'
import { type BenchArguments, parseArguments, USAGE } from './arguments.ts'
import { interleave, type RowResult } from './interleave.ts'
import { endChildrenWithUs, livingChildren } from './processes/children.ts'
import { circumstances } from './report/machine.ts'
import { markdownOf } from './report/markdown.ts'
import type { Results } from './report/results.ts'
import { describeCircumstances, describeRow } from './report/text.ts'
import { allRows } from './rows/all-rows.ts'
import type { Row } from './rows/row.ts'
import { installPeers, type Peers } from './servers/install-peers.ts'
import { serverKinds } from './servers/server-kind.ts'

/** Runs the bench and resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const options = parseArguments(args)
  const rows = chosen(options.rows)
  if (rows === undefined) {
    console.error(`${USAGE}\nrows: ${allRows.map(({ name }) => name).join(', ')}`)
    return 1
  }
  if (options.fromPath !== undefined) {
    // Written by this program.
    report(JSON.parse(readFileSync(options.fromPath, 'utf8')) as Results, options)
    return 0
  }
  endChildrenWithUs()
  const { isSample, repetitions } = options
  const { node, missing } = withoutUnwanted(installPeers({ isWanted: !isSample }), options.servers)
  const about = circumstances(node)
  console.log(describeCircumstances(about, repetitions))
  if (isSample) console.log('A sample: that the bench works, and not how fast anything is.')

  const results: RowResult[] = []
  const bench = { node, missing, isSample }
  for (const row of rows.filter((row) => row.subjects(bench).length > 0)) {
    const result = await interleave(row, bench, repetitions, showProgress)
    hideProgress()
    results.push(result)
    console.log(`\n${describeRow(row, result)}`)
    // After each row: a run that is broken off keeps what it has measured.
    report({ circumstances: about, repetitions, isSample, rows: results }, options)
  }
  const left = livingChildren()
  if (left.length > 0) console.error(`still running: ${left.join(', ')}`)
  const hasFailed = results.some(({ failed }) => Object.keys(failed).length > 0)
  return left.length === 0 && !hasFailed ? 0 : 1
}

function report(results: Results, { jsonPath, markdownPath }: BenchArguments): void {
  if (jsonPath !== undefined) writeFileSync(jsonPath, `${JSON.stringify(results, null, 2)}\n`)
  if (markdownPath !== undefined) writeFileSync(markdownPath, markdownOf(results, allRows))
}

/** Undefined if one of the names is no row's. */
function chosen(names: readonly string[] | undefined): readonly Row[] | undefined {
  if (names === undefined) return allRows
  const rows = names.map((name) => allRows.find((row) => row.name === name))
  return rows.every((row) => row !== undefined) ? rows : undefined
}

function withoutUnwanted({ node, missing }: Peers, wanted: readonly string[] | undefined): Peers {
  const unwanted = serverKinds.filter((kind) => wanted?.includes(kind) === false)
  return { node, missing: new Map([...missing, ...unwanted.map((kind) => [kind, 'not asked for'] as const)]) }
}

function showProgress(words: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${words}`)
}

function hideProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K')
}
