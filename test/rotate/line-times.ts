import type { Down, Up } from '@y-sealed/protocol'
import { Capture, type Direction, parseLeniently } from '../support/capture.ts'

/** The line of one member, with the times that matter while keys are rotated. Frames are looked at and not kept. */
export class LineTimes extends Capture {
  /** The longest time for which the relay held everybody's appends back for this member, in ms. */
  longestPauseMs = 0
  /** The longest time that an edit of this member waited for its ack, in ms. */
  longestAckMs = 0
  /** Pauses that ended without a new epoch. */
  vainPauses = 0
  private readonly oldestUnsyncedMs: () => number
  private pausedAtMs: number | undefined

  /** `oldestUnsyncedMs`: how long the oldest edit without an ack has waited by now. */
  constructor(oldestUnsyncedMs: () => number) {
    super()
    this.oldestUnsyncedMs = oldestUnsyncedMs
  }

  override record(connection: number, direction: Direction, bytes: Uint8Array): void {
    super.record(connection, direction, bytes)
    // The longest trace has gigabytes of checkpoints.
    this.frames.length = 0
    for (const message of parseLeniently(direction, bytes)) this.note(message)
  }

  private note(message: Up | Down): void {
    const nowMs = performance.now()
    // Its provider hears of it only after this: the edits that it is for still count as unsynced.
    if (message.type === 'ack') this.longestAckMs = Math.max(this.longestAckMs, this.oldestUnsyncedMs())
    if (message.type === 'paused') this.pausedAtMs = nowMs
    if (this.pausedAtMs === undefined || !endsPause(message)) return
    this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - this.pausedAtMs)
    this.pausedAtMs = undefined
    if (message.type !== 'opened') this.vainPauses++
  }
}

/** Appends that are refused as `paused`, the rotator's own among them, are what a pause is for. */
function endsPause(message: Up | Down): boolean {
  if (message.type === 'refused') return message.code !== 'paused'
  return message.type === 'opened' || message.type === 'released'
}
