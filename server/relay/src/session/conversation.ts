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
  readonly #context: RelayContext
  readonly #connection: Connection
  readonly #mayAsk: () => boolean
  /** Let go with the first join: a connection that waits for hours should hold little. */
  #stranger: StrangerAccount | undefined
  readonly #channels = new Map<number, Channel>()
  #isGreeted = false

  constructor({ context, connection, stranger, mayAsk }: ConversationOptions) {
    this.#context = context
    this.#connection = connection
    this.#stranger = stranger
    this.#mayAsk = mayAsk
  }

  /** One binary WebSocket message. Never throws: bytes that break the protocol end the connection. */
  receive(frame: Uint8Array): void {
    try {
      if (!this.#isGreeted && isForeignFrame(frame)) this.#connection.close(closeReasons.malformed, FOREIGN)
      else for (const message of parseUpBlocks(frame)) if (this.#mayBeHeard()) this.#receive(message)
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#connection.close(closeReasonFor(error), error.message)
      } else {
        this.#context.log.error('conversation failed', errorFields(error))
        this.#connection.close(closeReasons.internal)
      }
    }
  }

  /** The connection is gone. */
  end(): void {
    this.#endStranger()
    for (const channel of [...this.#channels.values()]) channel.finish()
  }

  #mayBeHeard(): boolean {
    return this.#stranger?.heardMessage() ?? true
  }

  /** A join was allowed, or the connection is gone. */
  #endStranger(): void {
    this.#stranger?.end()
    this.#stranger = undefined
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
    this.#stranger?.saidHello()
    const version = negotiateVersion(message)
    if (version === undefined) {
      this.#declare(message)
    } else {
      const { maxFrameEnvelopeBytes, maxAppendBytes, maxChannels } = this.#context.limits
      this.#send({ type: 'welcome', version, limits: { maxFrameEnvelopeBytes, maxAppendBytes, maxChannels } })
    }
  }

  /** No version in common: both are named, in a message for programs and in the close reason for people. */
  #declare(theirs: VersionRange): void {
    this.#send({ type: 'incompatible', ...SUPPORTED_VERSIONS })
    const named = ({ minVersion, maxVersion }: VersionRange) => `${minVersion}..${maxVersion}`
    const sentence = `relay speaks ${named(SUPPORTED_VERSIONS)}, client ${named(theirs)}`
    this.#connection.close(closeReasons['update-required'], sentence)
  }

  #join(join: Join): void {
    const { channel } = join
    if (this.#channels.has(channel)) throw new ProtocolError('malformed', 'join.channel: expected a free number')
    if (this.#channels.size >= this.#context.limits.maxChannels) {
      this.#refuseJoin(channel, closeReasons.limit)
    } else if (!this.#mayAsk()) {
      this.#refuseJoin(channel, closeReasons.overload)
    } else {
      const onEnd = () => this.#channels.delete(channel)
      const onJoined = () => this.#endStranger()
      const made = new Channel({
        ...{ context: this.#context, connection: this.#connection, mayAsk: this.#mayAsk },
        ...{ join, onJoined, onEnd },
      })
      this.#channels.set(channel, made)
    }
  }

  #refuseJoin(channel: number, { code, meaning: reason }: CloseReason): void {
    this.#send({ type: 'closed', channel, code, reason })
  }

  #refuseUnknown(channel: number, request: number): void {
    this.#send({ type: 'refused', channel, request, code: 'unknown-channel', detail: 'no such channel' })
  }

  #send(message: Down): void {
    this.#connection.send(encodeFrame([message]))
  }
}
