// Of awareness these are kept as long as it is: a client with a hundred channels must not make a hundred copies of each.
const MAX_KEPT_FRAMES = 4

/** One message for all sessions of a room: encoded once per channel number, and nearly all clients use the same one. */
export type SharedFrame = (channel: number) => Uint8Array

export function shareFrame(encode: SharedFrame): SharedFrame {
  let kept: { channel: number; frame: Uint8Array }[] | undefined
  return (channel) => {
    const known = kept?.find((one) => one.channel === channel)
    if (known) return known.frame
    const frame = encode(channel)
    kept ??= []
    if (kept.length < MAX_KEPT_FRAMES) kept.push({ channel, frame })
    return frame
  }
}
