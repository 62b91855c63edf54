import { type Clock, systemClock } from '@y-sealed/key-client'
import { type Down, encodeFrame, type Up } from '@y-sealed/protocol'
import WebSocket from 'ws'
import { Capture, type Direction, parseLeniently } from './capture.ts'
import { SlowLine } from './slow-line.ts'

type Message = Up | Down
type Matches = (message: Message) => boolean
/** Returns what travels on in place of the frame's messages; none = the frame is lost. */
export type Rewrite = (messages: Message[], socket: WiredSocket) => Message[]
type Sendable = Parameters<WebSocket['send']>[0]

interface Rule {
  readonly direction: Direction
  readonly matches: Matches
  readonly act: 'drop' | 'hold' | 'cut'
  left: number
}

interface Bandwidth {
  readonly bytesPerSecond: number
  readonly clock: Clock
}

/**
 * The network between one person and the relay, in the test's hands. `wire.WebSocket` goes into the provider as
 * WebSocketPolyfill; every frame is recorded in the capture as its sender sent it, whatever then becomes of it.
 */
export class Wire {
  readonly WebSocket: typeof globalThis.WebSocket
  readonly capture: Capture
  /** Every socket this wire has opened, oldest first. */
  readonly sockets: WiredSocket[] = []
  private rules: Rule[] = []
  private readonly rewrites: Record<Direction, Rewrite | undefined> = { up: undefined, down: undefined }
  private readonly bandwidths: Record<Direction, Bandwidth | undefined> = { up: undefined, down: undefined }
  private isUnplugged = false
  private readonly watchers = new Set<() => void>()

  constructor(capture = new Capture()) {
    this.capture = capture
    const wire = this
    class BoundSocket extends WiredSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(wire, wire.isUnplugged ? unreachable(url) : url, protocols)
      }
    }
    // `ws` offers the browser's interface; its types only differ in the classes of events.
    this.WebSocket = BoundSocket as unknown as typeof globalThis.WebSocket
  }

  get openSockets(): WiredSocket[] {
    return this.sockets.filter((socket) => socket.readyState === WebSocket.OPEN && !socket.isDeaf)
  }

  /** The next such messages never arrive, while what shares their frame does; the sender is not told. */
  drop(direction: Direction, matches: Matches = () => true, times = 1): void {
    this.rules.push({ direction, matches, act: 'drop', left: times })
  }

  /** From the next such message on, frames of this direction wait for `release`, in order. */
  hold(direction: Direction, matches: Matches = () => true): void {
    this.rules.push({ direction, matches, act: 'hold', left: 1 })
  }

  /** Lets through what is held, and everything after it. */
  release(direction: Direction): void {
    this.rules = this.rules.filter((rule) => !(rule.direction === direction && rule.act === 'hold'))
    for (const socket of this.sockets) socket.release(direction)
  }

  /**
   * From now on frames of this direction leave one after the other at this rate, on each connection of this wire, until
   * `calm`. What waits counts in the socket's `bufferedAmount`. With a FakeClock, time passes when the test says so.
   */
  throttle(direction: Direction, bytesPerSecond: number, clock: Clock = systemClock): void {
    if (!(bytesPerSecond > 0)) throw new RangeError('a line carries more than 0 bytes per second')
    this.bandwidths[direction] = { bytesPerSecond, clock }
  }

  bandwidth(direction: Direction): Bandwidth | undefined {
    return this.bandwidths[direction]
  }

  /** No rule and no limit holds any more; what is held or on its way goes through. */
  calm(): void {
    this.rules = []
    this.isUnplugged = false
    this.bandwidths.up = undefined
    this.bandwidths.down = undefined
    for (const direction of ['up', 'down'] as const) {
      for (const socket of this.sockets) socket.hurry(direction)
      this.release(direction)
    }
  }

  /** The connection breaks at the next such message: it does not arrive, and both ends learn of the break. */
  cutAt(direction: Direction, matches: Matches = () => true): void {
    this.rules.push({ direction, matches, act: 'cut', left: 1 })
  }

  /** Somebody on the way who changes what is said. */
  rewrite(direction: Direction, rewrite: Rewrite | undefined): void {
    this.rewrites[direction] = rewrite
  }

  /** Breaks every open connection now, without a close handshake. */
  cut(): void {
    for (const socket of this.sockets) if (socket.readyState !== WebSocket.CLOSED) socket.terminate()
  }

  /** The client sees the relay close its open connections with this code. */
  closeFromRelay(code: number, reason = ''): void {
    for (const socket of this.openSockets) {
      socket.pretendClosed(code, reason)
      socket.terminate()
    }
  }

  /** Breaks what is open, and lets nothing connect until `plug`. */
  unplug(): void {
    this.isUnplugged = true
    this.cut()
  }

  plug(): void {
    this.isUnplugged = false
  }

  /**
   * Half-open: the client believes its present connections broken, the relay believes them alive. What was held upwards
   * can still be let through to the relay with `release('up')`.
   */
  halfOpen(): void {
    for (const socket of this.openSockets) socket.pretendClosed()
  }

  /** Resolves when a message of this kind passes on this wire from now on, in whatever state it then travels on. */
  untilPassed(direction: Direction, matches: Matches): Promise<void> {
    let from = this.capture.frames.length
    const hasPassed = (): boolean => {
      const fresh = this.capture.frames.slice(from)
      from += fresh.length
      // The capture may be shared with other people's wires.
      const own = new Set(this.sockets.map(({ connection }) => connection))
      return fresh.some(
        (frame) =>
          own.has(frame.connection) &&
          frame.direction === direction &&
          parseLeniently(direction, frame.bytes).some(matches),
      )
    }
    return new Promise((resolve) => {
      const look = (): void => {
        if (!hasPassed()) return
        this.watchers.delete(look)
        resolve()
      }
      this.watchers.add(look)
    })
  }

  /** Resolves when what was sent so far has arrived at both ends, and what was answered at once has come back. For lines that are not slow, and hold nothing. */
  async settled(): Promise<void> {
    await Promise.all(this.sockets.map((socket) => socket.roundTrip()))
  }

  /** What becomes of a frame; called by the sockets. `undefined`: as it is. */
  judge(
    direction: Direction,
    bytes: Uint8Array,
    socket: WiredSocket,
  ): { act: 'pass' | Rule['act']; bytes: Uint8Array } {
    const messages = parseLeniently(direction, bytes)
    const rule = this.rules.find((each) => each.left > 0 && each.direction === direction && messages.some(each.matches))
    if (rule !== undefined) rule.left--
    const act = rule?.act ?? 'pass'
    if (act === 'cut') return { act, bytes }
    const left = rule?.act === 'drop' ? messages.filter((message) => !rule.matches(message)) : messages
    const rewritten = left.length === 0 ? left : (this.rewrites[direction]?.(left, socket) ?? left)
    if (rewritten === messages) return { act, bytes }
    if (rewritten.length === 0) return { act: 'drop', bytes }
    // One direction at a time: a rewrite is handed one kind of messages and returns that kind.
    return { act: act === 'drop' ? 'pass' : act, bytes: encodeFrame(rewritten as Down[]) }
  }

  noticed(): void {
    for (const look of [...this.watchers]) look()
  }
}

/** A port that nothing listens on: connecting fails the way a network that is down fails. */
function unreachable(url: string | URL): URL {
  const nowhere = new URL(url)
  nowhere.port = '1'
  return nowhere
}

export class WiredSocket extends WebSocket {
  readonly connection: number
  /** Its client has been told that it closed, whatever the relay believes. */
  isDeaf = false
  private readonly wire: Wire
  private readonly held: Record<Direction, (() => void)[]> = { up: [], down: [] }
  private readonly isHolding: Record<Direction, boolean> = { up: false, down: false }
  private readonly lines: Record<Direction, SlowLine | undefined> = { up: undefined, down: undefined }

  constructor(wire: Wire, url: string | URL, protocols?: string | string[]) {
    // The relay refuses compression anyway; not asking for it keeps the capture readable.
    super(url, protocols, { perMessageDeflate: false })
    this.wire = wire
    // An accessor in ws, a plain member in its types, which therefore let no subclass override it.
    const leaving = (): number => Reflect.get(WebSocket.prototype, 'bufferedAmount', this)
    Object.defineProperty(this, 'bufferedAmount', { get: () => leaving() + (this.lines.up?.bufferedBytes ?? 0) })
    this.connection = wire.capture.nextConnection()
    wire.sockets.push(this)
  }

  override send(data: Sendable, ...rest: unknown[]): void {
    const bytes = toBytes(data)
    this.wire.capture.record(this.connection, 'up', bytes)
    // What is left is ws' own overloads: options and a callback, handed on as they came.
    this.travel('up', bytes, (arriving) => super.send(arriving.slice(), ...(rest as [])))
    this.wire.noticed()
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (this.isDeaf && event !== 'error') return false
    if (event === 'close') {
      this.lines.up?.drop()
      // What the relay had said before it closed is heard first.
      this.follow('down', () => super.emit(event, ...args))
      return true
    }
    if (event !== 'message') return super.emit(event, ...args)
    const bytes = toBytes(args[0] as Sendable)
    this.wire.capture.record(this.connection, 'down', bytes)
    this.travel('down', bytes, (arriving) => this.hear(arriving))
    this.wire.noticed()
    return true
  }

  override close(code?: number, reason?: string): void {
    // A half-open connection is one whose far end never learns that this one has gone.
    if (!this.isDeaf) this.follow('up', () => super.close(code, reason))
  }

  override terminate(): void {
    this.lines.up?.drop()
    this.lines.down?.drop()
    super.terminate()
  }

  /** Makes the client hear something that the relay never said: messages, or bytes that are none. */
  deliver(said: Down[] | Uint8Array): void {
    this.hear(said instanceof Uint8Array ? said : encodeFrame(said))
  }

  /** The same with a text frame, which no relay of ours sends. */
  deliverText(text: string): void {
    if (!this.isDeaf) super.emit('message', Buffer.from(text), false)
  }

  /** There and back, behind everything that is on its way; or until it closes. One that is being opened is waited for. */
  async roundTrip(): Promise<void> {
    if (this.isDeaf || this.readyState > WebSocket.OPEN) return
    if (this.readyState === WebSocket.CONNECTING) await this.next('open', 'close')
    if (this.readyState !== WebSocket.OPEN) return
    const back = this.next('pong', 'close')
    this.ping()
    await back
  }

  release(direction: Direction): void {
    this.isHolding[direction] = false
    for (const arrive of this.held[direction].splice(0)) arrive()
  }

  /** What is on its way on a slow line arrives now. */
  hurry(direction: Direction): void {
    this.lines[direction]?.flush()
  }

  pretendClosed(code = 1006, reason = ''): void {
    this.isDeaf = true
    super.emit('close', code, Buffer.from(reason))
  }

  /** The first of these events. */
  private next(...events: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const heard = (): void => {
        for (const event of events) this.off(event, heard)
        resolve()
      }
      for (const event of events) this.on(event, heard)
    })
  }

  private hear(bytes: Uint8Array): void {
    const copy = bytes.slice()
    if (!this.isDeaf) super.emit('message', this.binaryType === 'arraybuffer' ? copy.buffer : Buffer.from(copy), true)
  }

  private travel(direction: Direction, sent: Uint8Array, arrive: (bytes: Uint8Array) => void): void {
    const { act, bytes } = this.wire.judge(direction, sent, this)
    if (act === 'hold') this.isHolding[direction] = true
    if (act === 'cut') this.terminate()
    else if (act === 'drop') return
    else if (this.isHolding[direction])
      this.held[direction].push(() => this.carry(direction, bytes.length, () => arrive(bytes)))
    else this.carry(direction, bytes.length, () => arrive(bytes))
  }

  private carry(direction: Direction, bytes: number, arrive: () => void): void {
    const bandwidth = this.wire.bandwidth(direction)
    if (bandwidth === undefined) {
      arrive()
      return
    }
    const current = this.lines[direction]
    // An idle one may have been made for another clock.
    const line = current === undefined || current.isIdle ? new SlowLine(bandwidth.clock) : current
    this.lines[direction] = line
    line.carry(bytes, bandwidth.bytesPerSecond, arrive)
  }

  /** Right after what is on its way, or at once. */
  private follow(direction: Direction, act: () => void): void {
    const line = this.lines[direction]
    if (line === undefined || line.isIdle) act()
    else this.carry(direction, 0, act)
  }
}

function toBytes(data: Sendable): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (Array.isArray(data)) return Buffer.concat(data as Buffer[])
  throw new TypeError('expected the bytes of a frame')
}
