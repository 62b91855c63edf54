import { encodeFrame, parseDownFrame } from '@y-sealed/protocol'
import { CHANNEL, greet } from './protocols/y-sealed-wire.ts'

/** The envelopes of a room's log, as anybody without a key gets them. */
export async function readStoredEnvelopes(url: string, room: string): Promise<Uint8Array[]> {
  const socket = await greet(url)
  const envelopes: Uint8Array[] = []
  await new Promise<void>((resolve, reject) => {
    socket.onClose = () => reject(new Error('the relay closed while its log was read'))
    socket.onMessage = (bytes, start, end) => {
      for (const message of parseDownFrame(bytes.subarray(start, end))) {
        if (message.type === 'entries') envelopes.push(...message.entries.map(({ envelope }) => envelope))
        if (message.type === 'caught-up') resolve()
        if (message.type === 'closed') reject(new Error(`the relay closed the channel: ${message.reason}`))
      }
    }
    socket.send(
      encodeFrame([
        {
          type: 'join',
          channel: CHANNEL,
          room,
          token: '',
          params: {},
          cursor: 0,
          hash: new Uint8Array(0),
          observe: true,
        },
      ]),
    )
  })
  socket.close()
  return envelopes
}
