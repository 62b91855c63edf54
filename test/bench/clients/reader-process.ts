import { answerCalls } from '../processes/answer-calls.ts'
import type { FrameSocket } from './frame-socket.ts'
import { readRoom } from './protocols/sealed-reader.ts'
import { greet } from './protocols/y-sealed-wire.ts'

export interface GreetInput {
  readonly url: string
  readonly count: number
}

let sockets: FrameSocket[] = []

// Many readers of one document who hold no document. They connect before any of them reads: sharing one process, the first to get its megabytes
// would keep the others from saying hello in time.
answerCalls({
  async connect({ url, count }: GreetInput): Promise<void> {
    sockets = await Promise.all(Array.from({ length: count }, () => greet(url)))
  },
  read: (room: string) => Promise.all(sockets.map((socket) => readRoom(socket, room))),
})
