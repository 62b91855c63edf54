import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyServer, type Log as KeyLog, type Purpose, type Role } from '@y-sealed/key-endpoint'
import { createLog, createRelay, type Relay, type RelayOptions } from '@y-sealed/relay'
import { type KeySource, keyEndpoint, type SealedError, SealedProvider, type SealedProviderOptions } from 'y-sealed'
import { observe, type StoredEntry } from 'y-sealed/observe'
import * as Y from 'yjs'
import { CanarySearch, describeFindings } from './canary.ts'
import { Capture } from './capture.ts'
import { patiently, until } from './events.ts'
import { Nodes, onNodes } from './nodes.ts'
import { NonceAudit } from './nonce-audit.ts'
import { Wire } from './wire.ts'

export interface PersonOptions extends Partial<SealedProviderOptions> {
  room?: string
  doc?: Y.Doc
  /** Codes of the problems this person may meet; any other fails the test when the world closes. */
  expects?: readonly string[]
}

export interface Person {
  readonly name: string
  readonly doc: Y.Doc
  readonly text: Y.Text
  readonly provider: SealedProvider
  readonly wire: Wire
  readonly problems: SealedError[]
}

export interface WorldOptions {
  /** `disk`: the relay's log is in a folder, which is searched for canaries too. */
  data?: 'memory' | 'disk'
  /** Somebody else's relay in place of ours; whoever started it ends it. */
  relayUrl?: string
  /** Somebody else's relays of one store, in which this world has rooms of its own; its people are at one after the other. */
  nodeUrls?: readonly string[]
  /** The relay's clock, for its heartbeats. */
  relayClock?: RelayOptions['clock']
  relayLimits?: RelayOptions['limits']
  /** What the relay keeps of what a checkpoint stands for. */
  retention?: RelayOptions['retention']
  /** Who may join; without it everybody writes. */
  auth?: RelayOptions['auth']
  /** What somebody may do at the key endpoint; undefined: nothing. Without it everybody is a writer, and `admin` an administrator. */
  access?: (who: string, purpose: Purpose) => Role | undefined
}

const writers = (who: string): Role => (who === 'admin' ? 'admin' : 'write')

let canaries = 0

let worldsOnNodes = 0

/** A relay and a key endpoint in this process, on free ports, and people who write to each other through them. */
export class World {
  /** What everybody's wires carried. */
  readonly capture = new Capture()
  readonly audit = new NonceAudit()
  readonly keysUrl: string
  /** Keys from the world's endpoint. Every key it gives becomes a canary: the relay must never see one. */
  readonly keys: KeySource
  /** Of all relays that serve this world's rooms. */
  private readonly relayUrls: readonly string[]
  private readonly roomPrefix: string
  private turn = 0
  private readonly search = new CanarySearch()
  private readonly asked = new Set<Promise<unknown>>()
  private readonly people: { person: Person; expects: readonly string[] }[] = []
  private readonly directory: string | undefined
  private readonly keyServer: Awaited<ReturnType<typeof createKeyServer>>
  private readonly options: WorldOptions
  private readonly logLines: string[]
  private relay: Relay | undefined
  /** Where the story is told on nodes: `relay` is all of them. */
  private readonly nodes: Nodes | undefined

  private constructor(
    options: WorldOptions,
    directory: string | undefined,
    relay: Relay | Nodes | undefined,
    keyServer: Awaited<ReturnType<typeof createKeyServer>>,
    logLines: string[],
  ) {
    this.options = options
    this.logLines = logLines
    this.directory = directory
    this.nodes = relay instanceof Nodes ? relay : undefined
    this.relay = relay instanceof Nodes ? relay.relay : relay
    const { relayUrl, nodeUrls } = options
    this.relayUrls = nodeUrls ?? this.nodes?.urls ?? [this.relay?.url ?? relayUrl ?? '']
    this.roomPrefix = nodeUrls ? `${process.pid} ${++worldsOnNodes} ` : ''
    this.keyServer = keyServer
    this.keysUrl = keyServer.url
    // Upwards only: that is everything anybody sealed, and what a test forges on the way down is not.
    this.capture.onEnvelope(({ room, direction, envelope }) => {
      if (direction === 'up') this.audit.observe(room, envelope)
    })
    this.keys = this.keysAs('')
  }

  /** Of the world's relay; on nodes of the one whose turn it is. */
  get relayUrl(): string {
    return this.urlOf(this.turn++)
  }

  /** The same for somebody whom the endpoint knows by the header `who`. */
  keysAs(who: string): KeySource {
    const ask = keyEndpoint(this.keysUrl, who === '' ? {} : { headers: { who } })
    return async (request, requestOptions) => {
      const answering = Promise.resolve(ask(request, requestOptions))
      this.asked.add(answering)
      const answer = await answering.finally(() => this.asked.delete(answering))
      const key = (answer as { key?: unknown } | null)?.key
      if (typeof key === 'string') this.search.add(key)
      return answer
    }
  }

  /** Nobody waits for a key of the world's endpoint any more. */
  async keysAnswered(): Promise<void> {
    await Promise.allSettled(this.asked)
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    const isDisk = options.data === 'disk' && !onNodes()
    const directory = isDisk ? mkdtempSync(join(tmpdir(), 'y-sealed-world-')) : undefined
    const logLines: string[] = []
    const isElsewhere = options.relayUrl !== undefined || options.nodeUrls !== undefined
    const relay = isElsewhere ? undefined : await openRelay(options, directory, logLines)
    const { access = writers } = options
    const keyServer = await createKeyServer({
      data: 'memory',
      port: 0,
      log: keyLog(logLines),
      // People here have clocks that run ahead; the endpoint counts by the wall's.
      rateLimits: false,
      authorize(request, { purpose }) {
        const who = request.get('who') ?? ''
        const role = access(who, purpose)
        return role === undefined ? null : { subject: who, role }
      },
    })
    return new World(options, directory, relay, keyServer, logLines)
  }

  /** Somebody with a provider, a document and a network of their own. */
  person(name: string, { room = 'room', doc = new Y.Doc(), expects = [], ...options }: PersonOptions = {}): Person {
    const wire = new Wire(this.capture)
    const all = { keys: this.keys, WebSocketPolyfill: wire.WebSocket, maxBackoffTime: 200, ...options }
    const url = this.urlOf(this.people.length)
    const provider = new SealedProvider(url, this.roomPrefix + room, doc, all)
    const problems: SealedError[] = []
    provider.on('problem', (problem) => void problems.push(problem))
    const person = { name, doc, text: doc.getText('text'), provider, wire, problems }
    this.people.push({ person, expects })
    return person
  }

  /** The same, once the document is complete. */
  async joined(name: string, options: PersonOptions = {}): Promise<Person> {
    const person = this.person(name, options)
    await patiently(person.provider.whenSynced, `${name} to be synced`)
    return person
  }

  /** What somebody reads who has never been here before. */
  async freshText(room = 'room'): Promise<string> {
    const reader = await this.joined('fresh reader', { room })
    const text = reader.text.toString()
    reader.provider.destroy()
    return text
  }

  /** What the relay has stored for a room, as anybody without a key gets it. */
  async log(room = 'room'): Promise<StoredEntry[]> {
    const entries: StoredEntry[] = []
    const observer = observe(this.relayUrl, this.roomPrefix + room, { WebSocketPolyfill: new Wire().WebSocket })
    observer.on('entry', (entry) => void entries.push(entry))
    await until(observer, 'caught-up')
    observer.close()
    return entries
  }

  /** The epoch records that the relay has for a room, oldest first. */
  async records(room = 'room'): Promise<Uint8Array[]> {
    // An observer is told of each at the join, and again where its entries begin.
    const records = new Map<string, Uint8Array>()
    const observer = observe(this.relayUrl, this.roomPrefix + room, { WebSocketPolyfill: new Wire().WebSocket })
    observer.on('record', (record) => void records.set(Buffer.from(record).toString('hex'), record))
    await until(observer, 'caught-up')
    observer.close()
    return [...records.values()]
  }

  /** A secret to write somewhere; when the world closes it must be nowhere in frames and files. */
  canary(label: string): string {
    const canary = `canary-${label}-${canaries++}-sings`
    this.search.add(canary)
    return canary
  }

  /** A secret that the test did not get from here, such as a key of another endpoint: it is searched for as well. */
  keepSecret(secret: string): void {
    this.search.add(secret)
  }

  /** What the relay stores of a room. */
  async usage(room = 'room') {
    const usage = await this.relay?.usage(room)
    if (usage === undefined) throw new Error('no relay, or no such room')
    return usage
  }

  private urlOf(place: number): string {
    return this.relayUrls[place % this.relayUrls.length] ?? ''
  }

  /** What an operator does at the relay. */
  get operator() {
    if (this.relay === undefined) throw new Error('no relay')
    return this.relay
  }

  /** Resolves once what the relay stores is like that: it drops things in its own time. */
  async untilUsage(isSo: (usage: Awaited<ReturnType<World['usage']>>) => boolean): Promise<void> {
    while (!isSo(await this.usage())) await new Promise((resolve) => setImmediate(resolve))
  }

  /** The relay asks everybody in the room to look at the key endpoint. */
  recheck(room = 'room'): void {
    this.relay?.recheck(room)
  }

  /** What an administrator of the key endpoint does: `rotate`, `deactivate`, `shred`, `list`. */
  async keyAct(name: string, asked: object = {}, room = 'room'): Promise<unknown> {
    const answer = await fetch(`${this.keysUrl}/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', who: 'admin' },
      body: JSON.stringify({ documentId: this.roomPrefix + room, ...asked }),
    })
    if (!answer.ok) throw new Error(`${name} was answered ${answer.status}`)
    return answer.json()
  }

  async stopRelay(): Promise<void> {
    // Half-open connections end with the relay's process; in this one it would politely wait for them.
    for (const { person } of this.people) {
      for (const socket of person.wire.sockets) if (socket.isDeaf) socket.terminate()
    }
    await this.relay?.close()
    this.relay = undefined
  }

  /** On the same port and the same data. */
  async startRelay(): Promise<void> {
    if (this.nodes) {
      await this.nodes.start()
      this.relay = this.nodes.relay
    } else this.relay = await createRelay(relayOptions(this.options, this.directory, this.logLines, this.relayUrl))
  }

  /** Something happens to the relay's log, in this folder. Stop the relay first. */
  damage(act: (folder: string) => void): void {
    const { directory } = this
    if (directory === undefined || this.relay !== undefined) throw new Error('damage a stopped relay on disk')
    act(directory)
  }

  /** What is left when an operator loses the disk. Stop the relay first. */
  wipeRelay(): void {
    const { directory } = this
    if (this.nodes && this.relay === undefined) {
      this.nodes.wipe()
      return
    }
    if (directory === undefined || this.relay !== undefined) throw new Error('wipe a stopped relay on disk')
    for (const file of readdirSync(directory)) rmSync(join(directory, file), { recursive: true })
  }

  /** A copy of the relay's log, to be restored later: what an operator's backup is. Stop the relay for both. */
  backup(): () => void {
    const { directory } = this
    if (this.nodes && this.relay === undefined) return this.nodes.backup()
    if (directory === undefined || this.relay !== undefined) throw new Error('a backup needs a stopped relay on disk')
    const copy = mkdtempSync(join(tmpdir(), 'y-sealed-backup-'))
    cpSync(directory, copy, { recursive: true })
    return () => {
      if (this.relay !== undefined) throw new Error('stop the relay before restoring its log')
      rmSync(directory, { recursive: true })
      cpSync(copy, directory, { recursive: true })
      rmSync(copy, { recursive: true })
    }
  }

  /** Ends everything, then asserts: no canary found, no nonce repeated, no problem that nobody expected. */
  async close(): Promise<void> {
    for (const { person } of this.people) {
      person.provider.destroy()
      for (const socket of person.wire.sockets) socket.terminate()
      person.doc.destroy()
    }
    await patiently(Promise.all([this.stopRelay(), this.keyServer.close()]), 'the servers to close')
    const findings = this.search.inFrames(this.capture.frames)
    findings.push(...this.search.in(this.logLines.join('\n'), 'the log'))
    if (this.nodes) findings.push(...this.search.in(await this.nodes.dump(), 'the database'))
    if (this.directory !== undefined) {
      findings.push(...this.search.inDirectory(this.directory))
      rmSync(this.directory, { recursive: true })
    }
    if (findings.length > 0) throw new Error(`secrets found:\n${describeFindings(findings)}`)
    this.audit.assertClean()
    for (const { person, expects } of this.people) {
      const surprises = person.problems.filter(({ code }) => !expects.includes(code))
      if (surprises.length === 0) continue
      const list = surprises.map(({ code, message }) => `${code} (${message})`).join(', ')
      throw new Error(`${person.name} met problems that the test did not expect: ${list}`)
    }
  }
}

export function startWorld(options: WorldOptions = {}): Promise<World> {
  return World.start(options)
}

function openRelay(options: WorldOptions, directory: string | undefined, logLines: string[]): Promise<Relay | Nodes> {
  const own = relayOptions(options, directory, logLines)
  if (!onNodes()) return createRelay(own)
  const { data: _, ...shared } = own
  return Nodes.start(shared)
}

/** `url`: of a relay that was there before. */
function relayOptions(
  { relayClock, relayLimits, retention, auth }: WorldOptions,
  directory: string | undefined,
  logLines: string[],
  url?: string,
): RelayOptions {
  const log = createLog('info', { write: (line) => void logLines.push(line) })
  return {
    data: directory ?? 'memory',
    port: url === undefined ? 0 : Number(new URL(url).port),
    log,
    ...(relayClock === undefined ? {} : { clock: relayClock }),
    ...(relayLimits === undefined ? {} : { limits: relayLimits }),
    ...(retention === undefined ? {} : { retention }),
    ...(auth === undefined ? {} : { auth }),
  }
}

/** Kept, to be searched for secrets, rather than printed. */
function keyLog(lines: string[]): KeyLog {
  const note = (fields: object, message: string): void => void lines.push(JSON.stringify({ ...fields, message }))
  return { info: note, warn: note, error: note }
}
