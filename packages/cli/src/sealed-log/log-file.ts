import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { type Down, encodeFrame, MAX_FRAME_BYTES, parseDownFrame } from '@y-sealed/protocol'
import { EXIT, Failure } from '../failure.ts'
import { malformed } from './malformed.ts'
import { SealedLog } from './sealed-log.ts'

/**
 * A sealed log as a file: `y-sealed-log 1 <JSON>\n`, then frames of the protocol, each after its length as u32be, as the relay sent them; the last is
 * `caught-up`, without which the file was cut short. The JSON has `room` and `fetchedAtUnixMs`.
 */
const MAGIC = 'y-sealed-log 1 '

/** A room's name is at most 1,024 bytes, which JSON may write as six times as many. */
const MAX_HEAD_BYTES = 8 * 1024

/** Only its owner: who can read it and gets a key later reads the document. */
const FILE_MODE = 0o600

export interface LogFileHead {
  readonly room: string
  readonly fetchedAtUnixMs: number
}

/** Writes beside the place that it is meant for, and gives it its name when it is whole. */
export class LogFileWriter {
  readonly #path: string
  readonly #file: FileHandle
  bytes = 0

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  static async create(path: string, head: LogFileHead): Promise<LogFileWriter> {
    const writer = new LogFileWriter(path, await open(`${path}.part`, 'w', FILE_MODE))
    await writer.#write(Buffer.from(`${MAGIC}${JSON.stringify(head)}\n`))
    return writer
  }

  async take(message: Down): Promise<void> {
    const frame = encodeFrame([message])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(frame.length)
    await this.#write(Buffer.concat([length, frame]))
  }

  async finish(sequence: number, hash: Uint8Array): Promise<void> {
    await this.take({ type: 'caught-up', channel: 1, request: 0, sequence, hash })
    await this.#file.sync()
    await this.#file.close()
    await rename(`${this.#path}.part`, this.#path)
  }

  async discard(): Promise<void> {
    await this.#file.close()
    await rm(`${this.#path}.part`, { force: true })
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#file.writeFile(bytes)
    this.bytes += bytes.length
  }
}

/** Gives the messages of a file one by one, so that what looks through it need not hold it. Throws Failure `malformed`. */
export async function readLogFile(path: string, take: (message: Down) => void): Promise<LogFileHead> {
  const file = await open(path, 'r')
  try {
    const head = await readHead(file)
    let at = head.bytes
    for (let isWhole = false; !isWhole; ) {
      const length = (await readAt(file, at, 4)).readUInt32BE()
      if (length > MAX_FRAME_BYTES) throw malformed(`a frame of ${length} bytes`)
      const message = parseOne(await readAt(file, at + 4, length))
      at += 4 + length
      take(message)
      isWhole = message.type === 'caught-up'
    }
    return head
  } finally {
    await file.close()
  }
}

/** The whole of it. */
export async function loadLogFile(path: string): Promise<{ head: LogFileHead; log: SealedLog }> {
  const log = new SealedLog()
  const head = await readLogFile(path, (message) => log.take(message))
  return { head, log }
}

function parseOne(frame: Uint8Array): Down {
  try {
    const [message, ...more] = parseDownFrame(frame)
    if (message !== undefined && more.length === 0) return message
  } catch {
    // What is wrong with it is not worth telling: the file is not as it was written.
  }
  throw malformed('a frame that is none')
}

async function readHead(file: FileHandle): Promise<LogFileHead & { bytes: number }> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(MAX_HEAD_BYTES), position: 0 })
  const text = buffer.toString('utf8', 0, bytesRead)
  const end = text.indexOf('\n')
  if (!text.startsWith(MAGIC) || end < 0) throw notALog()
  try {
    const head: unknown = JSON.parse(text.slice(MAGIC.length, end))
    if (typeof head === 'object' && head !== null && 'room' in head && 'fetchedAtUnixMs' in head) {
      const { room, fetchedAtUnixMs } = head
      if (typeof room === 'string' && typeof fetchedAtUnixMs === 'number') {
        return { room, fetchedAtUnixMs, bytes: Buffer.byteLength(text.slice(0, end + 1)) }
      }
    }
  } catch {
    // As below.
  }
  throw notALog()
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position })
  if (bytesRead < length) throw malformed('no end: it was cut short')
  return buffer
}

const notALog = () => new Failure('malformed', 'this is no file that y-sealed fetch has written', EXIT.usage)
