import { randomBytes } from 'node:crypto'
import { type Down, parseDownFrame } from '@y-sealed/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import type { LogStore, StoredRun } from '../../../server/relay/src/log/log-store.ts'
import { encodeRunBody } from '../../../server/relay/src/log/run-body.ts'
import { Delivery } from '../../../server/relay/src/room/delivery.ts'
import { PrunedError } from '../../../server/relay/src/room/pruned-error.ts'
import { type Member, Room } from '../../../server/relay/src/room/room.ts'
import type { Connection } from '../../../server/relay/src/transport/connection.ts'

const ENVELOPE_BYTES = 1_000
const CATCH_UP_BYTES = 4_000
const BACKLOG_BYTES = 10_000

/** A client that takes what it is sent only when a test says so. */
class FakeConnection implements Connection {
  readonly address = ''
  isOpen = true
  waits = 0
  #lastTask: Promise<void> = Promise.resolve()
  readonly bytesHeard = 0
  backlogBytes = 0
  peakBytes = 0
  readonly heard: Down[] = []
  #waiting: (() => void)[] = []

  send(frame: Uint8Array): void {
    this.heard.push(...parseDownFrame(frame))
    this.backlogBytes += frame.length
    this.peakBytes = Math.max(this.peakBytes, this.backlogBytes)
  }

  drained(): Promise<void> {
    // As a socket does, but not for ever: a loop of promises would never let a test fail.
    if (!this.isOpen && ++this.waits < 100) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  oneByOne(task: () => Promise<void>): Promise<void> {
    const done = this.#lastTask.then(task)
    this.#lastTask = done.catch(() => {})
    return done
  }

  /** Whether somebody waited for it. */
  read(): boolean {
    this.backlogBytes = 0
    const waiting = this.#waiting.splice(0)
    for (const resolve of waiting) resolve()
    return waiting.length > 0
  }

  close(): void {}

  sequences(): number[] {
    return this.heard.flatMap((message) =>
      message.type === 'entries' ? message.entries.map((_, i) => message.first + i) : [],
    )
  }
}

const hash = new Uint8Array(32)
const record = { index: 0, bytes: Uint8Array.of(1, 1, 0, 0), hash, after: 0 }

let log: StoredRun[]
let room: Room
let connection: FakeConnection
let member: Member
let failures: unknown[]
let reads: number
/** The log through here is gone. */
let pruned: number

/** Lets every promise that is ready run. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

function nextRun(): StoredRun {
  const first = (log.at(-1)?.first ?? 0) + 1
  const envelope = new Uint8Array(randomBytes(ENVELOPE_BYTES))
  return {
    first,
    count: 1,
    epochIndex: 0,
    hashBefore: hash,
    body: encodeRunBody([{ proof: new Uint8Array(0), envelope }]),
  }
}

function store(): Pick<LogStore, 'read' | 'isWhole'> {
  return {
    async isWhole(_room, after) {
      return after >= pruned
    },
    async read(_room, after, maxBytes) {
      reads++
      const runs = log.slice(Math.max(after, pruned))
      return runs.slice(0, Math.max(1, Math.ceil(maxBytes / (ENVELOPE_BYTES + 3))))
    },
  }
}

function append(author: Member = other): void {
  const run = nextRun()
  log.push(run)
  room.apply({ runs: [run], sequence: run.first, hash }, author)
  room.deliver()
}

function newMember(number: number, to: Connection): Member {
  const delivery = new Delivery({
    // The only methods that a delivery uses.
    store: store() as LogStore,
    room,
    isObserver: false,
    connection: to,
    channel: 1,
    backlogBytes: BACKLOG_BYTES,
    catchUpBytes: CATCH_UP_BYTES,
    onDelivered() {},
    onFailure: (error) => failures.push(error),
  })
  const info = { session: number, subject: '', role: 'write', isObserver: false, joinedAtUnixMs: 0 } as const
  return { number, channel: 1, connection: to, delivery, isObserver: false, info, isIn: () => false, close() {} }
}

let other: Member

beforeEach(() => {
  log = []
  failures = []
  reads = 0
  pruned = 0
  const turn = { deliver() {}, deliverSoon() {}, flush() {} }
  const heartbeat = { start() {}, changed() {}, stop() {} }
  room = new Room('room', { sequence: 0, hash, record }, turn, () => heartbeat)
  connection = new FakeConnection()
  member = newMember(1, connection)
  other = newMember(2, new FakeConnection())
  room.add(member)
})

describe('what is gone before it is sent', () => {
  const reason = () => failures.map((failure) => (failure instanceof PrunedError ? 'pruned' : String(failure)))

  it.each([
    ['some of it', 5],
    ['all of it', 10],
  ])('ends the session at once, where it was %s', async (_, through) => {
    for (let entry = 0; entry < 10; entry++) append()
    pruned = through
    member.delivery.start(0, 0)
    await settled()
    expect([reason(), connection.sequences(), reads]).toEqual([['pruned'], [], 1])
  })

  it('ends it after what was sent before', async () => {
    for (let entry = 0; entry < 30; entry++) append()
    member.delivery.start(0, 0)
    await settled()
    const sent = connection.sequences()
    expect(sent.length).toBeLessThan(30)
    pruned = 25
    connection.read()
    await settled()
    expect([reason(), connection.sequences()]).toEqual([['pruned'], sent])
  })

  it('is no reason where the session is past it', async () => {
    for (let entry = 0; entry < 10; entry++) append()
    pruned = 8
    member.delivery.start(8, 0)
    await settled()
    append()
    expect([reason(), connection.sequences()]).toEqual([[], [9, 10, 11]])
  })

  it('is told from a store that has lost its end', async () => {
    for (let entry = 0; entry < 3; entry++) append()
    log = []
    member.delivery.start(0, 0)
    await settled()
    expect(reason()).toEqual(['Error: the store ends before its head'])
  })
})

describe('a checkpoint of somebody else', () => {
  const place = (sequence: number) => ({ checkpoint: hash, sequence, hash, bytes: 1 })
  const told = () =>
    connection.heard.flatMap((message) => {
      if (message.type === 'compacted') return [`compacted ${message.place.sequence}`]
      if (message.type === 'record') return ['record']
      return message.type === 'entries' ? message.entries.map((_, i) => `${message.first + i}`) : []
    })

  it('is told of at once where everything that it covers was sent', async () => {
    append()
    member.delivery.start(0, 0)
    await settled()
    room.compacted({ place: place(1), epochIndex: 0 }, false, other)
    expect(told()).toEqual(['1', 'compacted 1'])
  })

  it('waits for what it covers, also before the session has begun; of two that wait only the newest is told', async () => {
    for (let entry = 0; entry < 3; entry++) append()
    room.compacted({ place: place(2), epochIndex: 0 }, false, other)
    room.compacted({ place: place(3), epochIndex: 0 }, false, other)
    expect(told()).toEqual([])
    member.delivery.start(0, 0)
    await settled()
    expect(told()).toEqual(['1', '2', '3', 'compacted 3'])
  })

  it('of a later epoch waits for its record, and of an earlier one is not told any more', async () => {
    append()
    member.delivery.start(1, 0)
    await settled()
    const next = { index: 1, bytes: Uint8Array.of(1, 1, 0, 1), hash, after: 1 }
    room.compacted({ place: place(9), epochIndex: 0 }, false, other)
    room.apply({ runs: [], sequence: 1, hash, opened: { ...next, checkpoint: place(1) } }, other)
    room.deliver()
    await settled()
    expect(told()).toEqual(['record', 'compacted 1'])
    const run = { ...nextRun(), epochIndex: 1 }
    log.push(run)
    room.apply({ runs: [run], sequence: run.first, hash }, other)
    room.compacted({ place: place(2), epochIndex: 1 }, false, other)
    expect(told()).toEqual(['record', 'compacted 1'])
    room.deliver()
    await settled()
    expect(told()).toEqual(['record', 'compacted 1', '2', 'compacted 2'])
  })
})

describe('delivery', () => {
  it('says nothing before the session has joined', () => {
    append()
    expect(connection.heard).toEqual([])
  })

  it('sends a live session from memory', async () => {
    member.delivery.start(0, 0)
    await settled()
    append()
    append()
    expect(connection.sequences()).toEqual([1, 2])
    expect(reads).toBe(0)
  })

  it('holds no more for a slow reader than its backlog and one piece of the log, however much is written', async () => {
    member.delivery.start(0, 0)
    for (let i = 0; i < 500; i++) append()
    await settled()
    for (let i = 0; i < 500; i++) append()
    await settled()
    expect(connection.peakBytes).toBeLessThan(BACKLOG_BYTES + CATCH_UP_BYTES + 2 * ENVELOPE_BYTES)
    while (connection.read()) await settled()
    expect(connection.sequences()).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1))
    expect(connection.peakBytes).toBeLessThan(BACKLOG_BYTES + CATCH_UP_BYTES + 2 * ENVELOPE_BYTES)
    expect(member.delivery.isLive).toBe(true)
  })

  it('misses nothing that is written between the last read and going live', async () => {
    for (let i = 0; i < 20; i++) append()
    member.delivery.start(0, 0)
    // One more after each step of the loop.
    while (!member.delivery.isLive) {
      await Promise.resolve()
      if (log.length < 60) append()
      connection.read()
    }
    append()
    expect(connection.sequences()).toEqual(log.map(({ first }) => first))
  })

  it('reads the store where the room was told of commits in another order', async () => {
    member.delivery.start(0, 0)
    await settled()
    const [first, second] = [nextRun(), { ...nextRun(), first: 2 }]
    log.push(first, second)
    room.apply({ runs: [second], sequence: 2, hash }, other)
    room.apply({ runs: [first], sequence: 1, hash }, other)
    room.deliver()
    await settled()
    expect(connection.sequences()).toEqual([1, 2])
    expect(room.head.sequence).toBe(2)
  })

  it('reads the store where its head is ahead of what the room was told', async () => {
    member.delivery.start(0, 0)
    await settled()
    log.push(nextRun())
    room.learn({ sequence: 1, hash, record })
    await settled()
    expect(connection.sequences()).toEqual([1])
  })

  it('leaves out what the session has appended itself, also when it catches up', async () => {
    member.delivery.start(0, 0)
    await settled()
    connection.backlogBytes = BACKLOG_BYTES + 1
    append()
    append(member)
    append()
    expect(connection.sequences()).toEqual([])
    connection.read()
    await settled()
    append(member)
    append()
    expect(connection.sequences()).toEqual([1, 3, 5])
  })

  it('answers a read that comes while it catches up, and starts from there', async () => {
    for (let i = 0; i < 20; i++) append()
    member.delivery.start(10, 0)
    member.delivery.reread(7, 4)
    await settled()
    while (connection.read()) await settled()
    expect(connection.sequences()).toEqual(Array.from({ length: 16 }, (_, i) => i + 5))
    const answers = connection.heard.flatMap((message) => (message.type === 'caught-up' ? [message.request] : []))
    expect(answers).toEqual([0, 7])
  })

  it('ends the session where the store has less than its head, instead of asking for ever', async () => {
    room.learn({ sequence: 5, hash, record })
    member.delivery.start(0, 0)
    await settled()
    expect(failures).toHaveLength(1)
    expect(reads).toBe(1)
  })

  it('stops at a connection that is closing with bytes unsent, instead of turning for ever', async () => {
    member.delivery.start(0, 0)
    await settled()
    connection.backlogBytes = BACKLOG_BYTES + 1
    connection.isOpen = false
    append()
    await settled()
    expect(connection.waits).toBe(0)
  })

  it('many channels of one connection that catch up at once do not add up', async () => {
    for (let i = 0; i < 20; i++) append()
    const members = Array.from({ length: 50 }, (_, i) => newMember(10 + i, connection))
    for (const { delivery } of members) delivery.start(0, 0)
    do await settled()
    while (connection.read())
    expect(connection.sequences()).toHaveLength(50 * 20)
    expect(connection.peakBytes).toBeLessThan(BACKLOG_BYTES + CATCH_UP_BYTES + 2 * ENVELOPE_BYTES)
  })

  it('sheds awareness for a slow reader and sends only the newest once it reads', async () => {
    member.delivery.start(0, 0)
    await settled()
    connection.backlogBytes = BACKLOG_BYTES + 1
    for (const byte of [1, 2, 3]) {
      room.say(other, Uint8Array.of(byte))
      room.deliver()
    }
    await settled()
    connection.read()
    await settled()
    const said = connection.heard.flatMap((message) => (message.type === 'awareness' ? [message.envelope[0]] : []))
    expect(said).toEqual([3])
  })

  it('a recheck waits for nobody who catches up, and meets nobody before `joined`: a client asks its endpoint then anyway', async () => {
    const rechecks = () => connection.heard.filter(({ type }) => type === 'recheck')
    for (let i = 0; i < 20; i++) append()
    room.recheck()
    expect(rechecks()).toEqual([])
    member.delivery.start(0, 0)
    await settled()
    expect(member.delivery.isLive).toBe(false)
    room.recheck()
    expect(rechecks()).toEqual([{ type: 'recheck', channel: 1 }])
    member.delivery.end()
    room.recheck()
    expect(rechecks()).toHaveLength(1)
  })
})
