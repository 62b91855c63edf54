import { recordKeyHint } from '@y-sealed/protocol/header'

/** Members look at records closely, the relay does not: one of theirs may be anything, and then has no hint. */
export function keyHintOf(record: Uint8Array): string | null {
  try {
    return recordKeyHint(record)
  } catch {
    return null
  }
}
