import { parseUpFrame } from '@y-sealed/protocol'
import { EnvelopeKind, parseHeader } from '@y-sealed/protocol/header'
import { startWorld } from '../support/world.ts'
import type { EditKind, TypedEdit } from './typing.ts'

/** What a relay has of one edit, and beside it what the edit was: the answer that an attacker wants to guess. */
export interface ObservedEdit {
  readonly kind: EditKind
  readonly length: number
  readonly frameBytes: number
  /** All of the sealed parts of its envelopes: what is left when the public header is known. */
  readonly sealedBytes: number
  readonly gapMs: number
}

const LOREM = 'somebody else has written this before and it stays where it is until it is deleted '

/**
 * Types each edit through a real provider to a real relay, and waits until it is stored: one append each, nothing merged, as it is best for
 * the attacker. The times are the generated ones: what a network adds only blurs them.
 */
export async function observeTyping(edits: readonly TypedEdit[], padding: boolean): Promise<ObservedEdit[]> {
  const world = await startWorld()
  const bob = await world.joined('Bob', { padding })
  bob.text.insert(0, LOREM.repeat(8))
  await bob.provider.flush()
  const ada = await world.joined('Ada', { padding })
  const observed: ObservedEdit[] = []
  let caret = ada.text.length
  for (const { kind, length, gapMs, jump } of edits) {
    if (jump !== undefined) caret = Math.floor(jump * (ada.text.length + 1))
    // At the beginning there is nothing behind the caret.
    if (kind === 'delete' && caret === 0) caret = ada.text.length
    const from = ada.wire.capture.frames.length
    if (kind === 'delete') ada.text.delete(--caret, 1)
    else {
      ada.text.insert(caret, LOREM.repeat(30).slice(0, length))
      caret += length
    }
    await ada.provider.flush()
    const frames = ada.wire.capture.frames.slice(from).filter(({ direction }) => direction === 'up')
    observed.push({ kind, length, gapMs, ...sizesOf(frames.map(({ bytes }) => bytes)) })
  }
  await world.close()
  return observed
}

function sizesOf(frames: readonly Uint8Array[]): { frameBytes: number; sealedBytes: number } {
  let frameBytes = 0
  let sealedBytes = 0
  for (const frame of frames) {
    for (const message of parseUpFrame(frame)) {
      if (message.type !== 'append' && message.type !== 'stage') continue
      frameBytes += frame.length
      for (const { envelope } of message.envelopes) {
        const { kind, headerBytes } = parseHeader(envelope)
        // A witness says of itself, in its public header, that it is none of the user's doing.
        if (kind === EnvelopeKind.update) sealedBytes += envelope.length - headerBytes
      }
    }
  }
  return { frameBytes, sealedBytes }
}
