import type { SwitchOff } from './switch-off.ts'

const RELAY = 'server/relay/src'
const PROVIDER = 'packages/provider/src'

/** What our relay owes its members, and what leaves this machine. */
export const relay: readonly SwitchOff[] = [
  {
    id: 'E1',
    defence: 'a stranger may send 256 KiB',
    edits: [
      {
        file: `${RELAY}/transport/stranger.ts`,
        before: 'const isTooMany = this.#bytes + bytes > limits.strangerBytes',
        after: 'const isTooMany = this.#bytes + bytes > limits.strangerBytes * 100',
      },
    ],
    red: /strangers are listened to/,
  },
  {
    id: 'E2',
    defence: 'a connection has 100 channels',
    edits: [
      {
        file: `${RELAY}/session/conversation.ts`,
        before: 'if (this.#channels.size >= this.#context.limits.maxChannels) {',
        after: 'if (this.#channels.size >= 1e9) {',
      },
    ],
    red: /any number of channels/,
  },
  {
    id: 'E4',
    defence: 'the Origin of an upgrade is looked at',
    edits: [
      {
        file: `${RELAY}/auth/gate.ts`,
        before: 'return hasAuth || (/^https?:/.test(origin) && isLoopbackHost(hostNameOf(origin)))',
        after: 'return origin.length > 0',
      },
    ],
    red: /a foreign page was let in/,
  },
  {
    id: 'E6',
    defence: 'each request is asked whether its session may write',
    edits: [
      {
        file: `${RELAY}/session/session.ts`,
        before: "return this.#access.role === 'write' && !this.isObserver",
        after: 'return !this.isObserver',
      },
    ],
    red: /a reader may write/,
  },
  {
    id: 'A9',
    defence: 'the relay takes no compression',
    edits: [
      {
        file: `${RELAY}/transport/ws-server.ts`,
        before: 'perMessageDeflate: false,',
        after: 'perMessageDeflate: true,',
      },
    ],
    red: /frames are compressed/,
  },
  {
    id: 'E8',
    defence: 'ws: goes to this machine only',
    edits: [
      {
        file: `${PROVIDER}/connection/web-socket.ts`,
        before: "if (parsed.protocol === 'ws:' && !allowInsecure && !isLoopbackHost(parsed.hostname)) {",
        after: "if (parsed.protocol === 'http:') {",
      },
    ],
    red: /cross a network in clear/,
  },
  {
    id: 'E5',
    defence: 'the relay’s URL is what the app has given, and nothing else',
    edits: [
      {
        file: `${PROVIDER}/provider-parts.ts`,
        before: 'return new RelayConnection(serverUrl, {',
        after: "return new RelayConnection(serverUrl + '?' + new URLSearchParams(options.params), {",
      },
    ],
    red: /a proxy can log it/,
  },
]
