import { type Down, encodeFrame, PROTOCOL_VERSION, parseDownFrame, type Up } from '@y-sealed/protocol'
import { FrameSocket } from '../frame-socket.ts'

/** The one channel of a connection that serves one room. */
export const CHANNEL = 1

/** Connects and says hello. Whoever opens it sets `onMessage` afterwards. */
export async function greet(url: string): Promise<FrameSocket> {
  const socket = await FrameSocket.open(url)
  await ask(socket, { type: 'hello', minVersion: PROTOCOL_VERSION, maxVersion: PROTOCOL_VERSION, agent: 'bench' }, [
    'welcome',
  ])
  return socket
}

/** Says one message and resolves with the first answer of one of these types; only while nothing else is under way. */
export function ask<Type extends Down['type']>(
  socket: FrameSocket,
  question: Up,
  types: readonly Type[],
): Promise<Extract<Down, { type: Type }>> {
  return new Promise((resolve, reject) => {
    const isWanted = (message: Down): message is Extract<Down, { type: Type }> =>
      types.some((type) => type === message.type)
    socket.onClose = () => reject(new Error(`the relay closed instead of answering ${question.type}`))
    socket.onMessage = (bytes, start, end) => {
      const answer = parseDownFrame(bytes.subarray(start, end)).find(isWanted)
      if (answer !== undefined) resolve(answer)
    }
    socket.send(encodeFrame([question]))
  })
}
