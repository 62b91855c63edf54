import { engine } from '#engine'
import { concat } from './bytes.ts'
import { label } from './label.ts'

// 6 groups of 5 bytes give 99 bits: a relay cannot search for a second epoch that reads the same.
const GROUPS = 6
const GROUP_BYTES = 5
const GROUP_DIGITS = 5

/** 30 digits in groups of five, for two people to compare aloud: equal digits, equal epoch keys. */
export function fingerprint(epochId: Uint8Array): string {
  const hash = engine.sha256(concat(label('fingerprint'), epochId))
  const groups = Array.from({ length: GROUPS }, (_, group) => {
    const bytes = hash.subarray(group * GROUP_BYTES, (group + 1) * GROUP_BYTES)
    const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
    return String(number % 10 ** GROUP_DIGITS).padStart(GROUP_DIGITS, '0')
  })
  return groups.join(' ')
}
