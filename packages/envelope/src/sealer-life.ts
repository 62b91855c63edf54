import type { Sheet } from './layout.ts'

// Protocol §3. All far below what AES-GCM bears under one key; they bound what one leaked subkey or cloned memory tells.
const MAX_ENVELOPES = 2 ** 20
const MAX_SEALED_BYTES = 256 * 1024 * 1024
const MAX_AGE_MS = 60 * 60 * 1000

// Time servers move a clock by fractions of a second; a resumed or cloned machine by more than this.
const CLOCK_JUMP_MS = 5000

/** Counts what a sealer has sealed and how long it has lived. */
export function createSealerLife(now: () => number, monotonic: () => number) {
  const bornUnixMs = now()
  const bornMonotonicMs = monotonic()
  let envelopesSealed = 0
  let bytesSealed = 0

  return {
    count: (sheets: readonly Sheet[]): void => {
      envelopesSealed += sheets.length
      for (const { bytes } of sheets) bytesSealed += bytes
    },
    isSpent: (nowUnixMs: number = now()): boolean => {
      const wallAgeMs = nowUnixMs - bornUnixMs
      const ageMs = monotonic() - bornMonotonicMs
      return (
        envelopesSealed >= MAX_ENVELOPES ||
        bytesSealed >= MAX_SEALED_BYTES ||
        Math.max(ageMs, wallAgeMs) >= MAX_AGE_MS ||
        Math.abs(wallAgeMs - ageMs) > CLOCK_JUMP_MS
      )
    },
  }
}
