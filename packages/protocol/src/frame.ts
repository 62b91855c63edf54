import type { MessageCodec } from './codec/message.ts'
import { Reader } from './codec/reader.ts'
import { Writer } from './codec/writer.ts'
import { type Down, downCodecs } from './down.ts'
import { ProtocolError } from './errors.ts'
import { MAX_FRAME_BYTES } from './limits.ts'
import type { EntryBlock, NewBlock } from './messages/entry.ts'
import { hello, helloMagic } from './messages/greeting.ts'
import { type Entries, entriesBlocks } from './messages/read.ts'
import { type Up, upBlockCodecs, upCodecs } from './up.ts'

/**
 * frame   = message+                              one binary WebSocket message
 * message = varint id • varint length • body      body: the message's fields, exactly
 */

// Id, length, channel, first sequence, hash and count, at their longest.
const ENTRIES_HEAD_BYTES = 64

/** The messages that open a connection stand alone: whoever reads them does not know yet what else it could parse. */
const greetings: ReadonlySet<string> = new Set(['hello', 'welcome', 'incompatible'])

/**
 * The frame of these messages, in order.
 * Throws ProtocolError: `malformed` (a value that the wire cannot carry) or `limit` (1 MiB of envelopes and 64 KiB).
 */
export function encodeFrame(messages: readonly Up[] | readonly Down[]): Uint8Array {
  const frame = new Writer()
  for (const message of messages) writeMessage(frame, codecOf(message), message)
  checkGreeting(messages)
  return finish(frame)
}

/** The frame of one `entries` message. */
export function encodeEntries(message: Entries<readonly EntryBlock[]>): Uint8Array {
  const bytes = message.entries.reduce((sum, block) => sum + block.bytes.length, 0)
  const frame = new Writer(ENTRIES_HEAD_BYTES + bytes)
  writeMessage(frame, entriesBlocks, message)
  return finish(frame)
}

/** What a client said. Throws ProtocolError and returns nothing of a frame that is not good as a whole. */
export function parseUpFrame(bytes: Uint8Array): Up[] {
  return parseFrame(bytes, upCodecById)
}

/** As `parseUpFrame`, with the entries of each message as one block. */
export function parseUpBlocks(bytes: Uint8Array): Up<NewBlock>[] {
  return parseFrame(bytes, upBlockCodecById)
}

/** What a relay said. Throws ProtocolError and returns nothing of a frame that is not good as a whole. */
export function parseDownFrame(bytes: Uint8Array): Down[] {
  return parseFrame(bytes, downCodecById)
}

/**
 * Whether a connection's first frame comes from something else than a y-sealed client, of whatever version: a plain
 * y-websocket client, say. The relay then closes with 4400 and a sentence, instead of a parser's complaint.
 */
export function isForeignFrame(bytes: Uint8Array): boolean {
  // hello's id and length take one byte each in every version: the magic stands at 2.
  return bytes[0] !== hello.id || helloMagic.some((byte, index) => bytes[2 + index] !== byte)
}

const upCodecById: ReadonlyMap<number, MessageCodec<Up>> = new Map(
  Object.values(upCodecs).map((codec: MessageCodec<Up>) => [codec.id, codec]),
)
const upBlockCodecById: ReadonlyMap<number, MessageCodec<Up<NewBlock>>> = new Map(
  Object.values(upBlockCodecs).map((codec: MessageCodec<Up<NewBlock>>) => [codec.id, codec]),
)
const downCodecById: ReadonlyMap<number, MessageCodec<Down>> = new Map(
  Object.values(downCodecs).map((codec: MessageCodec<Down>) => [codec.id, codec]),
)

const codecByType = { ...upCodecs, ...downCodecs }

function codecOf(message: Up | Down): MessageCodec<Up | Down> {
  // The types that both sides use: only the relay names the session, only a client the record.
  if (message.type === 'awareness') return 'session' in message ? downCodecs.awareness : upCodecs.awareness
  if (message.type === 'checkpoints') return 'record' in message ? upCodecs.checkpoints : downCodecs.checkpoints
  return codecByType[message.type]
}

function writeMessage<M extends { readonly type: string }>(frame: Writer, codec: MessageCodec<M>, message: M): void {
  frame.items(1)
  frame.varint(codec.id)
  frame.withLength(() => codec.write(frame, message))
}

function finish(frame: Writer): Uint8Array {
  if (frame.bytesWritten > MAX_FRAME_BYTES) throw frame.limit(tooLong(frame.bytesWritten))
  return frame.finish()
}

function parseFrame<M extends { readonly type: string }>(
  bytes: Uint8Array,
  codecById: ReadonlyMap<number, MessageCodec<M>>,
): M[] {
  const frame = new Reader(bytes)
  if (bytes.length > MAX_FRAME_BYTES) throw frame.limit(tooLong(bytes.length))
  const messages: M[] = []
  do {
    frame.part = 'frame'
    frame.items(1)
    const id = frame.varint()
    const codec = codecById.get(id)
    if (codec === undefined) throw new ProtocolError('unsupported', `frame: unknown message id ${id}`)
    messages.push(frame.withLength(MAX_FRAME_BYTES, () => codec.parse(frame)))
  } while (frame.remaining > 0)
  checkGreeting(messages)
  return messages
}

function checkGreeting(messages: readonly { readonly type: string }[]): void {
  if (messages.length === 0) throw new ProtocolError('malformed', 'frame: expected a message, got none')
  for (const message of messages) {
    if (greetings.has(message.type) && messages.length > 1) {
      throw new ProtocolError('malformed', `${message.type}: expected to stand alone in its frame`)
    }
  }
}

function tooLong(length: number): string {
  return `expected at most ${MAX_FRAME_BYTES} bytes, got ${length}`
}
