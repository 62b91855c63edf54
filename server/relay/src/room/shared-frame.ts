/** One message for all sessions of a room: encoded once per channel number, and nearly all clients use the same one. */
export type SharedFrame = (channel: number) => Uint8Array

export function shareFrame(encode: SharedFrame): SharedFrame {
  const frameByChannel = new Map<number, Uint8Array>()
  return (channel) => {
    const known = frameByChannel.get(channel)
    if (known) return known
    const frame = encode(channel)
    frameByChannel.set(channel, frame)
    return frame
  }
}
