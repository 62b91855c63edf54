// Of awareness these are kept as long as it is: a client with a hundred channels must not make a hundred copies of each.
const MAX_KEPT_FRAMES = 4

/** One message for all sessions of a room: encoded once per channel number, and nearly all clients use the same one. */
export type SharedFrame = (channel: number) => Uint8Array

export function shareFrame(encode: SharedFrame): SharedFrame {
  const frameByChannel = new Map<number, Uint8Array>()
  return (channel) => {
    const known = frameByChannel.get(channel)
    if (known) return known
    const frame = encode(channel)
    if (frameByChannel.size < MAX_KEPT_FRAMES) frameByChannel.set(channel, frame)
    return frame
  }
}
