import type { Server } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { closeReasons } from '@y-sealed/protocol'
import { AdminApi, checkAdminToken } from './admin/admin-api.ts'
import { createOperator, type Operator } from './admin/operator.ts'
import type { Authorize } from './auth/authorize.ts'
import { createGate } from './auth/gate.ts'
import { isLoopbackHost } from './auth/loopback.ts'
import { ShutOut } from './auth/shut-out.ts'
import type { Bus } from './bus/bus.ts'
import { Nodes, type NodesOptions } from './bus/nodes.ts'
import { type Clock, systemClock } from './clock.ts'
import { RelayError } from './errors.ts'
import { createHttpServer } from './http-server.ts'
import { checkLimits, DEFAULT_RELAY_LIMITS, type RelayLimits } from './limits.ts'
import { answering } from './log/answering.ts'
import { checkDurability, type Durability } from './log/durability.ts'
import type { LogStore } from './log/log-store.ts'
import { openStore } from './log/open-store.ts'
import type { SharedLogStore } from './log/postgres-log-store.ts'
import { checkRetention, DEFAULT_RETENTION, type Retention, sweepTerms } from './log/retention.ts'
import { createSweeper } from './log/sweeper.ts'
import { Rooms } from './room/rooms.ts'
import { HeldBytes } from './session/held-bytes.ts'
import { createLog, errorFields, type Log } from './telemetry/log.ts'
import { Metrics } from './telemetry/metrics.ts'
import { createAddressOf } from './transport/client-address.ts'
import { createTurn } from './transport/turn.ts'
import { WsServer } from './transport/ws-server.ts'

export interface RelayOptions {
  /** A directory (made if missing), or 'memory': gone with the process. */
  data?: 'memory' | (string & {})
  /** Or the address of a store: `memory`, `sqlite:DIRECTORY`, `postgres://…`. */
  store?: string
  /** Into how many parts a new PostgreSQL store divides its tables, by document; 0 (default): none. */
  partitions?: number
  /** `redis://…`: how the relays of one PostgreSQL store hear of each other at once, and of awareness at all. */
  bus?: string
  /** 0 = any free one. */
  port?: number
  host?: string
  /** When an append is acked: 'full' (default), when its bytes are on the disk; 'os', when the operating system has them. */
  durability?: Durability
  /** Who may join and append. Without it the relay serves this machine only, and whoever connects may write. */
  auth?: Authorize
  /** Web origins that may connect, such as `https://app.example`. */
  origins?: readonly string[]
  /**
   * Proxies whose X-Forwarded-For is believed: addresses, or networks such as 10.0.0.0/8. An empty list: there is none, and every peer is a
   * client. Without the option connections from private addresses are not counted per address.
   */
  trustedProxies?: readonly string[]
  /**
   * How long what a checkpoint or a new epoch has replaced is kept: 'all', 'head' (10 minutes, and old epochs go too), or
   * milliseconds (old epochs keep their base and what follows it). Default: 30 days.
   */
  retention?: Retention
  /** Turns the operator's HTTP interface on, under `/admin/`. Its token is nobody else's, and no secret of anything. */
  admin?: { token: string }
  limits?: Partial<RelayLimits>
  clock?: Clock
  log?: Log
}

export interface Relay extends Operator {
  /** `ws://host:port` */
  url: string
  /** Tells what is under way, closes every connection with 4503, then the store. */
  close(): Promise<void>
}

const OPTIONS: readonly (keyof RelayOptions)[] = [
  'data',
  'store',
  'partitions',
  'bus',
  'port',
  'host',
  'durability',
  'auth',
  'origins',
  'trustedProxies',
  'retention',
  'admin',
  'limits',
  'clock',
  'log',
]

/**
 * Starts a relay. Throws RelayError `auth-required` (no `auth`, but reachable from outside or in production) or
 * `storage`, TypeError for an option it does not know, a retention that is none or an admin token that is too short, and what `listen` throws for a port that is taken.
 */
export async function createRelay(options: RelayOptions): Promise<Relay> {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.some((known) => known === name)) throw new TypeError(`unknown option: ${name}`)
  }
  const { port = 8787, host = '127.0.0.1', auth, origins, clock = systemClock, log = createLog() } = options
  checkLimits({ ...options.limits })
  const limits = { ...DEFAULT_RELAY_LIMITS, ...options.limits }
  const { retention = DEFAULT_RETENTION } = options
  checkRetention(retention)
  const { durability = 'full' } = options
  checkDurability(durability)
  if (options.admin) checkAdminToken(options.admin.token)
  const addressOf = createAddressOf(options.trustedProxies)
  const gate = createGate({ origins, hasAuth: auth !== undefined })
  if (!auth) checkMayBeOpen(host, origins ?? [], log)
  else if (auth.warning !== undefined) log.warn(auth.warning)

  const store = await openStore(storeAddress(options), {
    // Where nobody has given a clock, the store's own counts: several relays may share it.
    ...(options.clock && { now: () => clock.now() }),
    durability,
    ...(options.partitions !== undefined && { partitions: options.partitions }),
  })
  const sweeper = createSweeper({
    clock,
    store,
    terms: sweepTerms(retention, limits),
    everyMs: limits.sweepMs,
    onFailure: (error) => log.error('sweep failed', errorFields(error)),
  })
  const turn = createTurn()
  const metrics = new Metrics()
  const shutOut = new ShutOut(clock)
  const onShutOut = () => void closeShutOut(rooms, shutOut)
  const { bus, nodes } = await joinOthers(options.bus, {
    ...{ store, clock, limits, shutOut, log, onShutOut },
    metrics: metrics.bus,
  })
  const rooms = new Rooms({ store, turn, clock, limits, log, outside: nodes })
  const held = new HeldBytes(limits.maxHeldBytes)
  // Without tokens everybody is the operator of this one machine.
  const rotations = auth && { perMinute: limits.rotationsPerMinute, perDay: limits.rotationsPerDay }
  const context = {
    store: metrics.store.watch(store),
    rooms,
    authorize: auth ?? letEveryoneWrite,
    shutOut,
    limits,
    clock,
    held,
    log,
    metrics,
    ...(rotations && { rotations }),
  }
  const operator = createOperator({ store, rooms, sweeper, shutOut, nodes })
  let closing: Promise<void> | undefined
  const adminApi = options.admin && new AdminApi(options.admin.token, operator, log)
  const sockets = new WsServer({ context, gate, addressOf, turn, clock })
  const isStoreAnswering = answering(store)
  const server = createHttpServer({
    admin: adminApi,
    async readiness() {
      const parts = { store: await isStoreAnswering(), ...(bus && { bus: bus.isConnected }) }
      return { isReady: closing === undefined && Object.values(parts).every(Boolean), parts }
    },
    metrics: () =>
      metrics.text({
        ...{ ...rooms.counts, connections: sockets.connections, heldBytes: held.bytes },
        socketBytes: sockets.socketBytes,
        ...(bus && { isBusUp: bus.isConnected }),
      }),
  })
  server.on('upgrade', (request, socket, head) => {
    // From here on nobody else listens: a client that resets its connection would end the process.
    socket.on('error', () => socket.destroy())
    // An HTTP server hands over a net.Socket, with TLS or without; its type only says Duplex.
    if (socket instanceof Socket) sockets.upgrade(request, socket, head)
    else socket.destroy()
  })

  async function close(): Promise<void> {
    sockets.drain()
    server.close()
    // What was read before is answered before the connections end.
    await rooms.settled()
    await sockets.close()
    server.closeAllConnections()
    await sweeper.stop()
    await leaveOthers()
    await store.close()
  }

  /** Sessions have left by now, and that is said. */
  async function leaveOthers(): Promise<void> {
    await nodes?.close()
    await bus?.close()
  }

  try {
    const address = await listen(server, port, host)
    // Too many open files, say: the next client may have more luck.
    server.on('error', (error) => log.error('accept failed', errorFields(error)))
    sweeper.start()
    nodes?.start()
    log.info('listening', { port: address.port })
    const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
    return {
      url: `ws://${name}:${address.port}`,
      ...operator,
      close: () => (closing ??= close()),
    }
  } catch (error) {
    sockets.drain()
    await leaveOthers()
    await store.close()
    throw error
  }
}

function storeAddress({ data, store }: RelayOptions): string {
  if ((data === undefined) === (store === undefined)) throw new TypeError('expected one of the options data and store')
  return store ?? (data === undefined || data === 'memory' ? 'memory' : `sqlite:${data}`)
}

/** The other relays of this store, where it is one that relays share. Throws RelayError `options`, and has then closed the store. */
async function joinOthers(
  url: string | undefined,
  { store, ...rest }: Omit<NodesOptions, 'store' | 'bus'> & { store: LogStore },
): Promise<{ bus?: Bus; nodes?: Nodes }> {
  try {
    if (!isShared(store)) {
      if (url !== undefined) throw new RelayError('options', 'bus: only relays that share a PostgreSQL store have one')
      return {}
    }
    // A relay without a bus loads no driver for one.
    const { openRedisBus } = url === undefined ? {} : await import('./bus/redis-bus.ts')
    const onFailure = (error: unknown) => rest.log.error('bus failed', errorFields(error))
    const bus =
      url === undefined ? undefined : await openRedisBus?.(url, { onReconnect: () => nodes.reconnected(), onFailure })
    const nodes = new Nodes({ store, bus, ...rest })
    return { nodes, ...(bus && { bus }) }
  } catch (error) {
    await store.close()
    throw error
  }
}

function isShared(store: LogStore): store is SharedLogStore {
  return 'news' in store
}

/** Ends the sessions that an operator has ended at another relay, but for those that have come back with a newer token. */
async function closeShutOut(rooms: Rooms, shutOut: ShutOut): Promise<void> {
  for (const { members } of await rooms.present()) {
    for (const member of members) if (member.isIn(shutOut)) member.close(closeReasons.revoked)
  }
}

const letEveryoneWrite: Authorize = async () => ({ subject: '', role: 'write' })

let hasWarned = false

/** Throws RelayError `auth-required` unless only this machine can reach a relay on this host; warns once per process. */
function checkMayBeOpen(host: string, origins: readonly string[], log: Log): void {
  if (!isLoopbackHost(host))
    throw new RelayError(
      'auth-required',
      'a relay without `auth` (--jwks-url or --token-secret-file) listens on loopback only',
    )
  const foreign = origins.find((origin) => !isLoopbackHost(new URL(origin).hostname))
  if (foreign !== undefined) throw new RelayError('auth-required', `pages of ${foreign} may connect only with \`auth\``)
  if (process.env.NODE_ENV === 'production')
    throw new RelayError('auth-required', 'NODE_ENV=production needs `auth` (--jwks-url or --token-secret-file)')
  if (!hasWarned) log.warn('no auth: everybody on this machine may read and write every room')
  hasWarned = true
}

function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      // A string only for a pipe, null only before `listening`.
      if (address === null || typeof address === 'string') reject(new RelayError('options', 'no TCP address'))
      else resolve(address)
    })
  })
}
