import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyServer } from '@y-sealed/key-endpoint'
import { describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { keyEndpoint, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'
import { runCli } from '../support/cli.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { createRelay, onNodes } from '../support/nodes.ts'

const ADMIN = 'the operator, and nobody else, has this token'
const HOUR_MS = 3_600_000
const QUIET = { info() {}, warn() {}, error() {} }

/** A relay that keeps only what the newest epoch needs, an endpoint, and a member who has rotated twice. */
async function twiceRotated(retention: 'head' | 'all') {
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-audit-'))
  const clock = new FakeClock()
  const relay = await createRelay({ data: 'memory', port: 0, admin: { token: ADMIN }, retention, clock, log: QUIET })
  const keys = await createKeyServer({
    data: 'memory',
    port: 0,
    authorize: () => ({ subject: 'ada', role: 'admin' }),
    log: QUIET,
  })
  const doc = new Y.Doc()
  const provider = new SealedProvider(relay.url, 'doc-1', doc, {
    keys: keyEndpoint(keys.url),
    WebSocketPolyfill: WebSocket,
  })
  onTestFinished(async () => {
    await relay.close()
    await keys.close()
    rmSync(folder, { recursive: true, force: true })
  })
  for (let time = 0; time < 2; time++) {
    doc.getText('t').insert(0, `life ${time} `)
    await provider.flush()
    await provider.rotateKey()
  }
  await provider.flush()
  provider.destroy()
  // Long enough for whoever was still reading what is replaced.
  await clock.advance(HOUR_MS)
  await relay.usage('doc-1')
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, `${ADMIN}\n`)
  const args = ['audit', '--relay', relay.url, '--admin-token-file', tokenFile, '--keys', keys.url, '--doc', 'doc-1']
  const act = async (name: string, body: object) => {
    const answer = await fetch(`${keys.url}/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ documentId: 'doc-1', ...body }),
    })
    expect(answer.status).toBe(200)
  }
  const verdicts = async () => {
    const { exitCode, out, errors } = await runCli([...args, '--json'])
    const { keys: audited } = JSON.parse(out.toString()) as {
      keys: { verdict: string; state: string; keyHint: string }[]
    }
    return { exitCode, errors, audited, verdicts: audited.map(({ verdict }) => verdict) }
  }
  return { args, act, verdicts, relay, keys }
}

describe('y-sealed audit', () => {
  it('tells which old keys may go; after one has gone nothing is missing, and the document opens', async () => {
    const { args, act, verdicts } = await twiceRotated('head')
    const before = await verdicts()
    expect(before).toMatchObject({ exitCode: 0, verdicts: [expect.any(String), expect.any(String), 'in use'] })
    const [oldest] = before.audited
    expect(oldest).toMatchObject({ state: 'inactive', verdict: 'may go' })
    await act('shred', { keyHint: oldest?.keyHint })
    expect(await verdicts()).toMatchObject({ exitCode: 0, verdicts: ['gone', expect.any(String), 'in use'] })
    const { out } = await runCli(args)
    expect(out.toString()).toMatch(/^gone +shredded +epoch 0 +"/)
  })

  it('names a key that the log needs and nobody has any more: exit code 1', async () => {
    const { act, verdicts } = await twiceRotated('all')
    const before = await verdicts()
    expect(before.verdicts).toEqual(['still needed', 'still needed', 'in use'])
    await act('shred', { keyHint: before.audited[0]?.keyHint })
    expect(await verdicts()).toMatchObject({ exitCode: 1, verdicts: ['MISSING', 'still needed', 'in use'] })
  })

  // One of several whose address is wrong is no outage.
  it.skipIf(onNodes())('says who does not answer, and repeats no secret', async () => {
    const { args, relay, keys } = await twiceRotated('all')
    const against = async (...change: [from: string, to: string]) =>
      await runCli(args.map((argument) => argument.replace(...change)))
    expect(await against(relay.url, 'ws://127.0.0.1:1')).toMatchObject({ exitCode: 3 })
    expect(await against(keys.url, 'http://127.0.0.1:1/keys')).toMatchObject({ exitCode: 4 })
    const far = await against(relay.url, 'ws://ada:c4n4ry@relay.example')
    expect(far).toMatchObject({ exitCode: 2, errors: expect.stringContaining('expected an https URL') })
    expect(far.errors).not.toContain('c4n4ry')
    const wrong = await runCli([...args.slice(0, 3), ...args.slice(5)], { env: { Y_SEALED_ADMIN_TOKEN: 'another' } })
    expect(wrong).toMatchObject({ exitCode: 3, errors: expect.stringContaining('answers 401') })
  })
})
