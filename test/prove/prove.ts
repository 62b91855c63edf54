import { randomBytes } from 'node:crypto'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KeyAnswer, keyEndpoint } from 'y-sealed'
import { launchProfile } from '../browser/browser.ts'
import { openDemoPage } from '../browser/demo-page.ts'
import { joinDemo, requestDemoAccess } from '../browser/join-demo.ts'
import { type RunningDemo, startDemo } from '../browser/running-demo.ts'
import { CanarySearch, needlesOf } from '../support/canary.ts'
import { patiently, untilTrue } from '../support/events.ts'
import { type CoreDump, childRunning, dumpCore } from './core-dump.ts'
import { type Place, placeOfDirectory, placeOfFrames, placeOfLargeFile, placeOfText } from './places.ts'
import { startRelayTap } from './relay-tap.ts'
import { makeSecrets } from './secrets.ts'
import { UnsealedClient } from './unsealed-client.ts'
import { insertAtOnce, leaveInStorage, setInMap } from './writer-page.ts'

/** Longer than a key that a page has struck takes through a busy machine. */
const PATIENCE_MS = 60_000

const DOCUMENT = 'proof'

export interface Proof {
  readonly planted: string
  /** Of each secret what it is, for people. */
  readonly secrets: ReadonlyMap<string, string>
  readonly places: readonly Place[]
  /** Places that this machine does not let us look into, each with the reason. */
  readonly skipped: readonly string[]
}

/**
 * Types secrets into a real browser, through real servers, and looks for them wherever one might have stayed. In the same places it plants a text by
 * a client that does not seal.
 * @param gcore without it no core dump is taken
 */
export async function prove(portOffset: number, gcore: string | undefined): Promise<Proof> {
  const folder = mkdtempSync(join(tmpdir(), 'y-sealed-prove-'))
  const tap = await startRelayTap()
  let demo: RunningDemo | undefined
  try {
    demo = await startDemo(portOffset, ['--relay-url', tap.url])
    tap.pointAt(relayUrlOf(demo))
    return await proveOn(demo, tap, folder, gcore)
  } finally {
    await demo?.dispose()
    tap.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function proveOn(
  demo: RunningDemo,
  tap: Awaited<ReturnType<typeof startRelayTap>>,
  folder: string,
  gcore: string | undefined,
): Promise<Proof> {
  const written = makeSecrets()
  const planted = `planted by who does not seal: größe ${randomBytes(6).toString('hex')}`
  const secrets = new Map<string, string>([
    [written.typed, 'typed text'],
    [written.pasted, 'pasted text'],
    [written.mapKey, 'map key'],
    [written.mapValue, 'map value'],
    [written.userName, 'user name'],
  ])

  const profile = join(folder, 'profile')
  const context = await launchProfile(profile)
  const oneProfile = { newContext: async () => context }
  const writer = await openDemoPage(oneProfile, demo.url, { documentName: DOCUMENT, name: written.userName })
  const reader = await joinDemo(demo.url, DOCUMENT, 'Reader')
  await writer.type(`${written.typed} `)
  await insertAtOnce(writer.page, written.pasted)
  await setInMap(writer.page, written.mapKey, written.mapValue)
  await arrives(reader, written)
  secrets.set(await documentKey(demo), 'document key')

  const { relayToken } = await requestDemoAccess(demo.url, 'control', 'Control')
  const control = await UnsealedClient.write(tap.url, 'control', relayToken, planted)
  await leaveInStorage(writer.page, plantedBytes(planted))

  const search = new CanarySearch([...secrets.keys(), planted])
  const relayData = join(demo.data, 'relay')
  const places: Place[] = []
  const skipped: string[] = []
  const core = dumpRelay(gcore, demo, folder)
  if (typeof core === 'string') skipped.push(`core dump of the relay (${core})`)
  else {
    places.push(placeOfLargeFile('core dump of the relay', core.path, search))
    core.delete()
  }
  // A copy, so that what is searched stands still: database, write-ahead file and index, as a thief of the running disk has them.
  const stolen = join(folder, 'stolen')
  cpSync(relayData, stolen, { recursive: true })
  places.push(placeOfDirectory('database of the running relay, with WAL', stolen, search))

  reader.provider.destroy()
  control.end()
  await context.close()
  await demo.interrupt()
  const logs = join(demo.data, 'logs')
  appendFileSync(join(logs, 'relay.log'), plantedBytes(planted))
  places.push(
    placeOfDirectory('database of the stopped relay', relayData, search),
    placeOfDirectory('logs of relay, key endpoint and demo', logs, search),
    placeOfDirectory('browser profile', profile, search),
    placeOfFrames('frames at the relay, upwards', tap.frames, 'up', search),
    placeOfFrames('frames at the relay, downwards', tap.frames, 'down', search),
    placeOfText('HTTP heads at the relay', tap.heads.join('\n'), search),
  )
  return { planted, secrets, places, skipped }
}

/** A string is the reason why there is none. */
function dumpRelay(gcore: string | undefined, demo: RunningDemo, folder: string): CoreDump | string {
  if (gcore === undefined || demo.processId === undefined) return 'no gcore on this machine; it comes with gdb'
  const processId = childRunning('server/relay/dist/main.js', demo.processId)
  try {
    return dumpCore(gcore, processId, folder)
  } catch (error) {
    // Who is not root may often not look into another process.
    return error instanceof Error ? error.message : 'gcore failed'
  }
}

/** In every encoding that is searched for. */
function plantedBytes(planted: string): Buffer {
  return Buffer.concat(needlesOf(planted).flatMap(({ bytes }) => [bytes, Buffer.from('\n')]))
}

/** Whatever is looked for has really gone through the relay: somebody else has it. */
async function arrives(
  { doc, provider }: Awaited<ReturnType<typeof joinDemo>>,
  { typed, pasted, mapKey, mapValue, userName }: ReturnType<typeof makeSecrets>,
): Promise<void> {
  const hasText = () => [typed, pasted].every((text) => doc.getXmlFragment('text').toString().includes(text))
  const hasEntry = () => doc.getMap('canary').get(mapKey) === mapValue
  const hasName = () => JSON.stringify([...provider.awareness.getStates().values()]).includes(userName)
  await patiently(
    Promise.all([
      untilTrue(doc, 'update', () => hasText() && hasEntry()),
      untilTrue(provider.awareness, 'change', hasName),
    ]),
    'text, map entry and name to arrive at another member',
    PATIENCE_MS,
  )
}

/** The one that the page has: the endpoint answers everybody who asks for the current one with the same. */
async function documentKey(demo: RunningDemo): Promise<string> {
  const { keysUrl, keysToken } = await requestDemoAccess(demo.url, DOCUMENT, 'Key reader')
  const ask = keyEndpoint(keysUrl, { headers: { authorization: `Bearer ${keysToken}` } })
  const { key } = (await ask({ documentId: DOCUMENT, keyHint: null })) as KeyAnswer
  return key
}

function relayUrlOf(demo: RunningDemo): string {
  const [url] = /ws:\S+/.exec(readFileSync(join(demo.data, 'logs/relay.log'), 'utf8')) ?? []
  if (url === undefined) throw new Error('the relay has not said where it is')
  return url
}
