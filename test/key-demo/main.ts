import pg from 'pg'
import { startPostgres } from '../bin/postgres.mjs'
import { launchBrowser } from '../browser/browser.ts'
import { conformanceTable } from './conformance-table.ts'
import { playKeyDemo } from './key-demo.ts'
import { describeDemo, describeTable, failures } from './report.ts'

/** Of the same server, and empty. */
async function anotherDatabase(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('CREATE DATABASE another')
  await client.end()
  return url.replace(/[^/]*$/, 'another')
}

const OUTAGE_MS = 60_000
const WORDS = 20

/** Prints what each party could and could not do, then the table of endpoints; resolves with the exit code. `binaries`: of PostgreSQL. */
export async function main(binaries: string): Promise<number> {
  const postgres = await startPostgres(binaries)
  try {
    const browser = await launchBrowser()
    try {
      const report = await playKeyDemo({ browser, database: postgres.url, outageMs: OUTAGE_MS, words: WORDS })
      console.log(describeDemo(report))
      const rows = await conformanceTable(await anotherDatabase(postgres.url))
      console.log(`\n${describeTable(rows)}\n`)
      const failed = failures(report, rows)
      for (const failure of failed) console.log(`NOT SO: ${failure}`)
      console.log(failed.length === 0 ? `${report.lost} edits lost` : `${failed.length} failures`)
      return failed.length === 0 ? 0 : 1
    } finally {
      await browser.close()
    }
  } finally {
    await postgres.stop()
  }
}
