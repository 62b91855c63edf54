import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { peersFolder } from '../../servers/places.ts'
import { FrameSocket } from '../frame-socket.ts'
import { Keystrokes } from '../keystrokes.ts'
import type { RawClient } from '../raw-client.ts'

/** What is used of libsodium-wrappers: installed on demand, so that its types are not at hand. */
interface Sodium {
  readonly ready: Promise<void>
  to_base64(bytes: Uint8Array): string
}

interface KeyPair {
  readonly publicKey: Uint8Array
}

/** What is used of secsync, likewise. */
interface Secsync {
  createSignatureKeyPair(sodium: Sodium): KeyPair
  createUpdate(
    content: Uint8Array,
    publicData: { docId: string; pubKey: string; refSnapshotId: string },
    key: Uint8Array,
    signatureKeyPair: KeyPair,
    clock: number,
    sodium: Sodium,
  ): object
}

const KEY_BYTES = 32
const UPDATE_FROM_OTHER = '"type":"update"'
const SAVED = '"type":"update-saved"'

/** Speaks secsync: JSON, and each update encrypted and signed, because its server checks the signature. */
export async function openSecsyncClient(url: string, room: string, clientId: number): Promise<RawClient> {
  const { secsync, sodium } = await loadPeer()
  const signatureKeyPair = secsync.createSignatureKeyPair(sodium)
  const key = new Uint8Array(KEY_BYTES).fill(7)
  const publicData = { docId: room, pubKey: sodium.to_base64(signatureKeyPair.publicKey), refSnapshotId: 'snapshot' }
  let clock = 0
  const keystrokes = new Keystrokes(clientId)
  const socket = await FrameSocket.open(`${url}/${room}?sessionKey=${clientId}`)
  let onDocument: () => void = () => {}
  const client: RawClient = {
    socket,
    onKeystrokes: () => {},
    onConfirmed: () => {},
    type: () => client.write(keystrokes.next()),
    write(update): void {
      const message = secsync.createUpdate(update, publicData, key, signatureKeyPair, clock++, sodium)
      socket.send(JSON.stringify(message))
    },
    close: () => socket.close(),
  }
  socket.onMessage = (bytes, start, end) => {
    const text = bytes.toString('latin1', start, end)
    if (text.includes(SAVED)) client.onConfirmed(1)
    else if (text.includes(UPDATE_FROM_OTHER)) client.onKeystrokes(1)
    else if (text.includes('"type":"document"')) onDocument()
    else throw new Error(`secsync answered ${text.slice(0, 200)}`)
  }
  await new Promise<void>((resolve) => {
    onDocument = resolve
  })
  return client
}

async function loadPeer(): Promise<{ secsync: Secsync; sodium: Sodium }> {
  const peers = createRequire(join(peersFolder, 'package.json'))
  // Both are CommonJS: what they export is the default export of their import.
  const load = async (name: string): Promise<unknown> =>
    ((await import(pathToFileURL(peers.resolve(name)).href)) as { default: unknown }).default
  const sodium = (await load('libsodium-wrappers')) as Sodium
  await sodium.ready
  return { secsync: (await load('secsync')) as Secsync, sodium }
}
