import { createClient } from 'redis'
import { RelayError } from '../errors.ts'
import type { Bus, BusEvents } from './bus.ts'

// Redis restarts in a second; who waits longer is told by /readyz.
const RETRY_MS = 200

// A machine that is gone without a word: noticed by a ping that stays unanswered.
const PING_MS = 5_000
const CONNECT_MS = 5_000

/** Redis pub/sub. Throws RelayError `options` for what is no such address. Resolves at once: a Redis that comes later will do. */
export async function openRedisBus(url: string, { onReconnect, onFailure }: BusEvents): Promise<Bus> {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) throw new RelayError('options', 'bus: expected redis://…')
  const socket = { reconnectStrategy: () => RETRY_MS, connectTimeout: CONNECT_MS }
  // Of two connections, since one that listens can say nothing.
  const speaker = createClient({ url, socket, pingInterval: PING_MS, disableOfflineQueue: true })
  const listener = createClient({ url, socket, pingInterval: PING_MS })
  let hasConnected = false
  let isClosed = false
  for (const client of [speaker, listener]) client.on('error', onFailure)
  listener.on('ready', () => {
    if (hasConnected) {
      // What was heard before the client hears again by itself.
      for (const channel of unheard) void listen(channel)
      onReconnect()
    }
    hasConnected = true
  })
  const listeners = new Map<string, (message: Buffer) => void>()
  /** Of these the connection was lost before Redis had said that it listens, or Redis has refused to. */
  const unheard = new Set<string>()
  const ignore = () => {}

  async function listen(channel: string): Promise<void> {
    const deliver = listeners.get(channel)
    if (deliver === undefined) return
    unheard.delete(channel)
    try {
      await listener.subscribe(channel, deliver, true)
    } catch (error) {
      if (listeners.get(channel) !== deliver || isClosed) return
      unheard.add(channel)
      onFailure(error)
    }
  }
  speaker.connect().catch(onFailure)
  listener.connect().catch(onFailure)

  return {
    get isConnected() {
      return speaker.isReady && listener.isReady
    },
    publish(channel, message) {
      if (!speaker.isReady) return
      const bytes = Buffer.from(message.buffer, message.byteOffset, message.length)
      speaker.publish(channel, bytes).catch(ignore)
    },
    async subscribe(channel, hear) {
      const deliver = (message: Buffer) => hear(message)
      listeners.set(channel, deliver)
      await listen(channel)
    },
    unsubscribe(channel) {
      const deliver = listeners.get(channel)
      listeners.delete(channel)
      unheard.delete(channel)
      if (deliver) listener.unsubscribe(channel, deliver, true).catch(ignore)
    },
    async close() {
      // What was said last, the leaving of sessions above all, goes out first.
      isClosed = true
      await speaker.close().catch(ignore)
      listener.destroy()
    },
  }
}
