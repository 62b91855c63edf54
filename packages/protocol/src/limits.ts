/**
 * Every bound of protocol version 1. A reader checks them before it copies; a writer checks them before it sends.
 * Each one is part of the wire (SPEC.md, "Limits"): another number needs another protocol version.
 */

/** Sealed bytes in one append, stage, open or entries message (protocol.md §7: one frame in flight, at most 1 MiB). */
export const MAX_FRAME_ENVELOPE_BYTES = 1024 * 1024

/**
 * The WebSocket message that carries them. The 64 KiB of slack hold the length bytes of even the smallest envelopes
 * that fill 1 MiB (2 B each, 57 KB in all), so that a writer needs to count only the envelopes.
 */
export const MAX_FRAME_BYTES = MAX_FRAME_ENVELOPE_BYTES + 64 * 1024

/** A part's body is 256 KiB at most (protocol.md §3); header, flags, codec, padding byte and tag take under 64 B of the rest. */
export const MAX_ENVELOPE_BYTES = 256 * 1024 + 512

/** Staged bytes of one request together with its last message: a 20 MB import and its rotation fit several times over. */
export const MAX_APPEND_BYTES = 64 * 1024 * 1024

/**
 * Chunks of one checkpoint. The largest request has 256 of the usual 256 KiB; a relay holds each as an object of its own,
 * so that tiny ones would cost it many times their bytes.
 */
export const MAX_CHECKPOINT_CHUNKS = 1_024

/**
 * Places of one message: an epoch that keeps more checkpoints than that has been compacted for years, and its oldest are
 * asked for by their hashes.
 */
export const MAX_PLACES = 1_024

/**
 * Messages, entries, records, places and params of one frame together. An object costs a reader some 400 B however few bytes it
 * had on the wire, so bytes alone bound nothing: 1 MiB of two-byte entries would take 200 MB. 1 MiB of the smallest
 * envelopes that can be opened (37 B) is 28,339 entries; honest frames stay below.
 */
export const MAX_FRAME_ITEMS = 32 * 1024

/** A write signature (Ed25519: 64 B) with a key id fits twice (protocol.md §7). */
export const MAX_PROOF_BYTES = 128

/** The relay holds one awareness envelope per session in memory. A user's name, colour and caret take some 400 B. */
export const MAX_AWARENESS_BYTES = 64 * 1024

/** A record with the longest hint (256 UTF-16 units, 768 B) and an empty ext has 1,059 B; the rest is for ext. */
export const MAX_RECORD_BYTES = 4 * 1024

/** Of one message. Five years of one rotation a day, and still under 1 MiB at the usual 300 B. */
export const MAX_RECORDS = 2_048

/** As long as a documentId may be, because it is the default room (protocol.md §1). */
export const MAX_ROOM_BYTES = 1_024

/** Signed tokens with a few claims have 300 B to 2 KB; proxies refuse headers over 8 KiB, so no issuer goes beyond. */
export const MAX_TOKEN_BYTES = 8 * 1024

/** What would otherwise be a query string: 8 KiB is where common web servers end one. */
export const MAX_PARAMS = 32
export const MAX_PARAMS_BYTES = 8 * 1024

/** Name and version of a client, for the operator's log. */
export const MAX_AGENT_BYTES = 64

/** One sentence for a developer. */
export const MAX_DETAIL_BYTES = 512

/** RFC 6455 §5.5: a control frame has 125 B, two of them are the code. */
export const MAX_REASON_BYTES = 123

/** Rooms on one connection: every tab of a large workspace, and still a bounded table in the relay. */
export const MAX_CHANNELS = 100

/** Channel, request and ping numbers are chosen by the client; below 2^31 they are small integers in every language. */
export const MAX_NUMBER = 2 ** 31 - 1

/** What one relay allows. It may name less than the protocol, never more; the client adapts. */
export interface Limits {
  /** Sealed bytes of one message, at least one envelope's 262,656. */
  readonly maxFrameEnvelopeBytes: number
  /** Sealed bytes of one request, staged ones included. */
  readonly maxAppendBytes: number
  /** Rooms joined at once on one connection. */
  readonly maxChannels: number
}

export const DEFAULT_LIMITS: Limits = {
  maxFrameEnvelopeBytes: MAX_FRAME_ENVELOPE_BYTES,
  maxAppendBytes: MAX_APPEND_BYTES,
  maxChannels: MAX_CHANNELS,
}
