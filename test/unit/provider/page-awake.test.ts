import { afterEach, describe, expect, it, vi } from 'vitest'
import { RelayConnection, type WebSocketConstructor } from 'y-sealed'
import { FakeClock } from '../../support/fake-clock.ts'

/** A socket that goes nowhere. */
class Socket {
  static made: Socket[] = []
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onopen: (() => void) | null = null
  readonly bufferedAmount = 0
  binaryType = ''
  constructor() {
    Socket.made.push(this)
  }
  send(): void {}
  close(): void {}
}

/** A browser's page, as far as it is listened to. */
function stubPage(): { page: EventTarget; document: EventTarget & { visibilityState: string } } {
  const page = new EventTarget()
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
  const document = Object.assign(new EventTarget(), { visibilityState: 'hidden' })
  vi.stubGlobal('document', document)
  return { page, document }
}

function connect(): { connection: RelayConnection; clock: FakeClock } {
  Socket.made = []
  const clock = new FakeClock()
  const connection = new RelayConnection('ws://127.0.0.1:1', {
    // What it needs of a socket is there.
    WebSocketPolyfill: Socket as unknown as WebSocketConstructor,
    unsafeClock: clock,
  })
  connection.want({})
  return { connection, clock }
}

afterEach(() => vi.unstubAllGlobals())

describe('a connection that waits for its next attempt', () => {
  it.each(['online', 'pageshow', 'visibilitychange'])(
    'makes it at once on %s, and not when the page is hidden',
    (event) => {
      const { page, document } = stubPage()
      const { connection } = connect()
      Socket.made[0]?.onclose?.({ code: 1006, reason: '' })
      const target = event === 'visibilitychange' ? document : page
      if (event === 'visibilitychange') {
        target.dispatchEvent(new Event(event))
        expect(Socket.made.length).toBe(1)
        document.visibilityState = 'visible'
      }
      target.dispatchEvent(new Event(event))
      expect(Socket.made.length).toBe(2)
      connection.destroy()
      target.dispatchEvent(new Event(event))
      expect(Socket.made.length).toBe(2)
    },
  )
})

describe('a page that has slept', () => {
  it('does not wait to find out that its socket is dead', async () => {
    const { document } = stubPage()
    const { connection, clock } = connect()
    Socket.made[0]?.onopen?.()
    // Its timers slept, too.
    vi.spyOn(clock, 'now').mockReturnValue(clock.now() + 31_000)
    document.visibilityState = 'visible'
    document.dispatchEvent(new Event('visibilitychange'))
    expect(Socket.made.length).toBe(2)
    connection.destroy()
  })
})
