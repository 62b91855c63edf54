import pg from 'pg'
import { findPostgres, startPostgres } from '../bin/postgres.mjs'

const binaries = findPostgres()

/** Where there is no PostgreSQL, its tests are skipped by name; under CI=true they run, and fail for want of one. */
export const skipPostgresTests = binaries === undefined && process.env.CI !== 'true'

let started: Promise<string> | undefined
let schemas = 0

/**
 * The address of an empty schema on the one server of this test run (`npm test` starts it), or, where a test file is run by
 * itself, of this file. It does not wait for the disk: no test ends the machine, and kill -9 of a process loses nothing without.
 */
export async function freshPostgres(): Promise<string> {
  const url = await serverUrl()
  const schema = `test_${process.pid}_${++schemas}`
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`CREATE SCHEMA ${schema}`)
  await client.end()
  return `${url}?options=${encodeURIComponent(`-c search_path=${schema}`)}`
}

async function serverUrl(): Promise<string> {
  const given = process.env.Y_SEALED_TEST_POSTGRES
  if (given !== undefined) return given
  if (binaries === undefined) throw new Error('no PostgreSQL on this machine: install one, with initdb on the path')
  started ??= startPostgres(binaries, { isDurable: false }).then(({ url }) => url)
  return await started
}
