import { createHash } from 'node:crypto'

/** What stands for a room's name where that must not be told: in tables that nodes share, on their bus, and in what is left of a deleted one. */
export function roomKey(room: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(room).digest())
}

/** Bytes as the key of a Map. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}
