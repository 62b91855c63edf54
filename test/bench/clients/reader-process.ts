import { answerCalls } from '../processes/answer-calls.ts'
import { type RawReading, readRoom } from './protocols/sealed-reader.ts'

export interface ReadInput {
  readonly url: string
  readonly room: string
  readonly count: number
}

// Many readers of one document who hold no document, all at once.
answerCalls({
  read({ url, room, count }: ReadInput): Promise<RawReading[]> {
    return Promise.all(Array.from({ length: count }, () => readRoom(url, room)))
  },
})
