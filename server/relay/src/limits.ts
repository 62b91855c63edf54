import type { Limits } from '@y-sealed/protocol'
import { DEFAULT_LIMITS } from '@y-sealed/protocol'

/** What one relay process allows and waits for. The first three are told to clients in `welcome`. */
export interface RelayLimits extends Limits {
  /** How long a new connection may take to say hello. */
  helloMs: number
  /** How long a new connection may take until its first join is allowed. */
  strangerMs: number
  /** What a connection may send before its first join was allowed: hello and a hundred joins with long tokens. */
  strangerBytes: number
  /** How many messages. */
  strangerMessages: number
  /** What all connections together may have sent of which no join was allowed yet. */
  maxStrangersBytes: number
  maxConnections: number
  /** Where the clients behind an address can be told apart (`trustedProxies`). */
  maxConnectionsPerAddress: number
  /** Tokens that one connection may bring, in joins and refreshes: at once, and then each second. */
  joinBurst: number
  joinsPerSecond: number
  /** The same for all connections of an address. */
  joinBurstPerAddress: number
  joinsPerSecondPerAddress: number
  /** A connection without a sign of life for this long is closed; it is asked for one at half of it. */
  silenceMs: number
  /** Unsent bytes after which a reader is served from the store, at its own pace, and no longer from memory. */
  backlogBytes: number
  /** Unsent bytes after which a connection is closed with 1013: acks and awareness of one that reads nothing. */
  maxBacklogBytes: number
  /** How much of the log is read and sent at once while a session catches up. */
  catchUpBytes: number
  /** Appends of one session: at once, and then each second; others wait for their turn. */
  appendBurst: number
  appendsPerSecond: number
  /** Awareness of one session: at once, and then each second; of more, the newest waits for its turn. */
  awarenessBurst: number
  awarenessPerSecond: number
  /** Requests of one session that may wait while one is carried out. */
  maxWaitingRequests: number
  /** Sealed bytes of all sessions that are staged or wait for their commit. */
  maxHeldBytes: number
  /** When a heartbeat follows a change. */
  heartbeatAfterChangeMs: number
  /** When a heartbeat follows a heartbeat. */
  heartbeatMs: number
  /** Stored bytes of one document: entries and checkpoints, with what is replaced and not deleted yet. */
  maxDocumentBytes: number
  /** The same for all documents of a tenant (claim `tenant`), where documents have one. */
  maxTenantBytes: number
  /** How often a document gets a next epoch, where there are access tokens. */
  rotationsPerMinute: number
  rotationsPerDay: number
  /** How long a lease lasts after the last byte of its holder. */
  leaseMs: number
  /** How long a rotation may hold appends back. */
  pauseMs: number
  /** How long a session waits after a pause that ran out before its next. */
  pauseAgainMs: number
  /** How long what was replaced is kept for those who are reading it, whatever the retention. */
  pruneGraceMs: number
  /** From when on the author of a checkpoint may name it himself. */
  nameAloneMs: number
  /** How often what is due is deleted. */
  sweepMs: number
  /** A salt whose entries are deleted is forgotten once it was unused for so long. */
  saltMs: number
  /** How many of its clients a closing relay wants back in a second: it tells them within which time to come. */
  returnsPerSecond: number
  /** How often a relay looks into a store that it shares for what nobody has said. */
  pollMs: number
  /** How often it says to the others that it lives. */
  nodeAliveMs: number
  /** Who has said nothing for so long is gone, and its sessions with it. */
  nodeLostMs: number
  /** How long a closing relay waits for its clients to close. */
  drainMs: number
}

export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  ...DEFAULT_LIMITS,
  // A browser on a bad line has said hello two round trips after the upgrade.
  helloMs: 10_000,
  // The application may have to be asked for a token first.
  strangerMs: 30_000,
  // 100 channels with tokens of 2 KB.
  strangerBytes: 256 * 1024,
  // Hello, a hundred joins, and what is said on their channels before they are answered.
  strangerMessages: 500,
  // 10,000 clients that come back at once with tokens of 3 KB; and what a flood of strangers costs at most.
  maxStrangersBytes: 32 * 1024 * 1024,
  // Some 20 KB each when idle.
  maxConnections: 20_000,
  // A large office, or a campus, behind one address.
  maxConnectionsPerAddress: 1_000,
  // A workspace of 100 documents that joins twice in a row; then a bad line's.
  joinBurst: 200,
  joinsPerSecond: 20,
  // All of an office after a restart; a signature takes 0.1 ms, so the long run is a tenth of a core.
  joinBurstPerAddress: 5_000,
  joinsPerSecondPerAddress: 1_000,
  // Proxies commonly close what is idle for 60 s.
  silenceMs: 50_000,
  // 10 s of a 1 Mbit/s line: less, and a reader on one would hardly ever be served from memory.
  backlogBytes: 1024 * 1024,
  // One frame of everything beyond backlogBytes, a few times.
  maxBacklogBytes: 8 * 1024 * 1024,
  // Large enough that a catch-up is bound by the line, small enough that the event loop turns in a millisecond.
  catchUpBytes: 256 * 1024,
  // A person makes ten a second; a script on a fast line, one after the other, some hundred.
  appendBurst: 1_000,
  appendsPerSecond: 500,
  // The provider says at most twenty a second, while a caret moves; the whole room hears each of them.
  awarenessBurst: 100,
  awarenessPerSecond: 50,
  // A client has one append in flight; the rest is a stage, a read and a margin.
  maxWaitingRequests: 4,
  // Four of the largest requests there are.
  maxHeldBytes: 4 * DEFAULT_LIMITS.maxAppendBytes,
  // A document of 20 MB that is typed into all day takes some 100 MB with a month of history.
  maxDocumentBytes: 1024 ** 3,
  // Sixty-four such documents; a disk that somebody rents.
  maxTenantBytes: 64 * 1024 ** 3,
  // Each rotation costs a whole checkpoint, and every member a key and a new sealer.
  rotationsPerMinute: 1,
  rotationsPerDay: 20,
  // Protocol §7.
  heartbeatAfterChangeMs: 5_000,
  heartbeatMs: 60_000,
  // Protocol §6: longer than a mobile network takes to come back, short enough to wait for.
  leaseMs: 60_000,
  pauseMs: 5_000,
  // M13: who cannot finish within a pause lets the others write for six times as long.
  pauseAgainMs: 30_000,
  // Protocol §7: a replaced checkpoint is kept 10 minutes for its readers.
  pruneGraceMs: 10 * 60_000,
  // Protocol §7: any session, a day later.
  nameAloneMs: 24 * 60 * 60_000,
  // Often enough that a document shrinks while somebody looks; a look costs three rows.
  sweepMs: 60_000,
  // Protocol §3: a sealer is retired after an hour. Twice that, for a client whose clock runs slowly.
  saltMs: 2 * 60 * 60_000,
  // A join takes a signature and some reads: a quarter of a core.
  returnsPerSecond: 1_000,
  // Protocol §7: what a lost message costs at most; one query for all rooms.
  pollMs: 1_000,
  // Three of them lost in a row are no accident.
  nodeAliveMs: 5_000,
  // Half of what y-protocols gives an awareness without a renewal.
  nodeLostMs: 15_000,
  // Long enough for a close frame there and back.
  drainMs: 2_000,
}

// Protocol §6: whoever types is held back no longer than that, whatever an operator writes.
const MAX_PAUSE_MS = 5_000

/** Throws TypeError for a limit that does not exist, is no number from 0 on, or is more than the protocol allows. */
export function checkLimits(limits: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(DEFAULT_RELAY_LIMITS, name)) throw new TypeError(`limits: there is no "${name}"`)
    if (typeof value !== 'number' || !(value >= 0)) {
      throw new TypeError(`limits.${name}: expected a number from 0; got ${String(value)}`)
    }
  }
  const most: Partial<Record<string, number>> = { ...DEFAULT_LIMITS, pauseMs: MAX_PAUSE_MS }
  for (const [name, bound] of Object.entries(most)) {
    const value = limits[name]
    if (typeof value === 'number' && bound !== undefined && value > bound) {
      throw new TypeError(`limits.${name}: at most ${bound}; got ${value}`)
    }
  }
}
