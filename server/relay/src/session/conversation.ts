import {
  type CloseReason,
  closeReasonFor,
  closeReasons,
  type Down,
  encodeFrame,
  isForeignFrame,
  type Join,
  type NewBlock,
  negotiateVersion,
  ProtocolError,
  parseUpBlocks,
  SUPPORTED_VERSIONS,
  type Up,
  type VersionRange,
} from '@y-sealed/protocol'
import type { RelayContext } from '../context.ts'
import { errorFields } from '../telemetry/log.ts'
import type { Connection } from '../transport/connection.ts'
import { Channel } from './channel.ts'

const FOREIGN = 'this is a y-sealed relay: it speaks only to the y-sealed provider, not to plain Yjs clients'

/** What somebody whom nobody knows has used up. */
export interface StrangerAccount {
  saidHello(): void
  /** Whether one more message may be looked at. */
  heardMessage(): boolean
  /** A join was allowed. */
  end(): void
}

export interface ConversationOptions {
  context: RelayContext
  connection: Connection
  /** What it may cost before a join was allowed. */
  stranger: StrangerAccount
  /** Whether one more token may be looked at now. */
  mayAsk(): boolean
}

/** What one connection says, from hello to its end. */
export class Conversation {
  readonly #options: ConversationOptions
  readonly #channels = new Map<number, Channel>()
  #isGreeted = false

  constructor(options: ConversationOptions) {
    this.#options = options
  }

  get sessions(): number {
    return this.#channels.size
  }

  /** One binary WebSocket message. Never throws: bytes that break the protocol end the connection. */
  receive(frame: Uint8Array): void {
    const { connection, context, stranger } = this.#options
    try {
      if (!this.#isGreeted && isForeignFrame(frame)) connection.close(closeReasons.malformed, FOREIGN)
      else for (const message of parseUpBlocks(frame)) if (stranger.heardMessage()) this.#receive(message)
    } catch (error) {
      if (error instanceof ProtocolError) {
        connection.close(closeReasonFor(error), error.message)
      } else {
        context.log.error('conversation failed', errorFields(error))
        connection.close(closeReasons.internal)
      }
    }
  }

  /** The connection is gone. */
  end(): void {
    for (const channel of [...this.#channels.values()]) channel.finish()
  }

  #receive(message: Up<NewBlock>): void {
    if (!this.#isGreeted || message.type === 'hello') {
      this.#greet(message)
    } else if (message.type === 'join') {
      this.#join(message)
    } else if (message.type === 'leave') {
      this.#channels.get(message.channel)?.finish()
    } else if (message.type === 'ping') {
      this.#send({ type: 'pong', nonce: message.nonce })
    } else {
      const channel = this.#channels.get(message.channel)
      if (channel) channel.receive(message)
      else this.#refuseUnknown(message.channel, 'request' in message ? message.request : 0)
    }
  }

  #greet(message: Up<NewBlock>): void {
    if (this.#isGreeted || message.type !== 'hello') {
      throw new ProtocolError('malformed', `${message.type}: expected one hello, first`)
    }
    this.#isGreeted = true
    this.#options.stranger.saidHello()
    const version = negotiateVersion(message)
    if (version === undefined) {
      this.#declare(message)
    } else {
      const { maxFrameEnvelopeBytes, maxAppendBytes, maxChannels } = this.#options.context.limits
      this.#send({ type: 'welcome', version, limits: { maxFrameEnvelopeBytes, maxAppendBytes, maxChannels } })
    }
  }

  /** No version in common: both are named, in a message for programs and in the close reason for people. */
  #declare(theirs: VersionRange): void {
    this.#send({ type: 'incompatible', ...SUPPORTED_VERSIONS })
    const named = ({ minVersion, maxVersion }: VersionRange) => `${minVersion}..${maxVersion}`
    const sentence = `relay speaks ${named(SUPPORTED_VERSIONS)}, client ${named(theirs)}`
    this.#options.connection.close(closeReasons['update-required'], sentence)
  }

  #join(join: Join): void {
    const { context, connection, stranger, mayAsk } = this.#options
    const { channel } = join
    if (this.#channels.has(channel)) throw new ProtocolError('malformed', 'join.channel: expected a free number')
    if (this.#channels.size >= context.limits.maxChannels) {
      this.#refuseJoin(channel, closeReasons.limit)
    } else if (!mayAsk()) {
      this.#refuseJoin(channel, closeReasons.overload)
    } else {
      const onEnd = () => this.#channels.delete(channel)
      const onJoined = () => stranger.end()
      this.#channels.set(channel, new Channel({ context, connection, join, mayAsk, onJoined, onEnd }))
    }
  }

  #refuseJoin(channel: number, { code, meaning: reason }: CloseReason): void {
    this.#send({ type: 'closed', channel, code, reason })
  }

  #refuseUnknown(channel: number, request: number): void {
    this.#send({ type: 'refused', channel, request, code: 'unknown-channel', detail: 'no such channel' })
  }

  #send(message: Down): void {
    this.#options.connection.send(encodeFrame([message]))
  }
}
