import { parseDocumentId, parseKeyHint } from '@y-sealed/key-client/contract'
import type { Purpose } from './authorize.ts'
import { FIXED } from './methods/fixed-keys.ts'
import { Refusal } from './refusal.ts'
import { isHintTaken } from './store/hint-taken.ts'
import type { KeyEntry, KeyStore } from './store/key-store.ts'

/** What is answered of a key to those who look after keys: everything but the key. */
export interface ShownKey extends Omit<KeyEntry, 'createdMs'> {
  /** ISO 8601. */
  readonly createdAt: string
}

/** Something done to a document's keys, after authorize has agreed to `purpose`. */
export interface KeyAct {
  readonly name: 'rotate' | 'deactivate' | 'shred' | 'list'
  readonly purpose: Purpose
  /** Members of the request beside `documentId`; those marked false may be missing. */
  readonly members: Readonly<Record<string, boolean>>
  run(store: KeyStore, asked: AskedAct): Promise<object>
}

export interface AskedAct {
  readonly documentId: string
  readonly keyHint?: string
  readonly after?: string
}

export const KEY_ACTS: Readonly<Record<KeyAct['name'], KeyAct>> = {
  rotate: { name: 'rotate', purpose: 'rotate', members: { after: false }, run: rotate },
  deactivate: { name: 'deactivate', purpose: 'admin', members: { keyHint: true }, run: deactivate },
  shred: { name: 'shred', purpose: 'admin', members: { keyHint: true }, run: shred },
  list: { name: 'list', purpose: 'admin', members: {}, run: list },
}

/**
 * @throws ContractError for what is not `{documentId}` and the act's members, or Refusal `malformed` for a member of
 *   another act, which must not be ignored
 */
export function parseAct({ members }: KeyAct, value: unknown): AskedAct {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal('malformed')
  // Any object may be read by name; each member is then parsed as unknown.
  const { documentId, ...given } = value as Record<string, unknown>
  const hints: Record<string, string> = {}
  for (const [name, hint] of Object.entries(given)) {
    if (!Object.hasOwn(members, name)) throw new Refusal('malformed')
    hints[name] = parseKeyHint(name, hint)
  }
  for (const [name, required] of Object.entries(members)) {
    if (required && hints[name] === undefined) throw new Refusal('malformed')
  }
  return { documentId: parseDocumentId(documentId), ...hints }
}

async function rotate(store: KeyStore, { documentId, after }: AskedAct): Promise<ShownKey> {
  // A document that was never heard of is a slip of the pen; with `after` it is one that a restored backup lacks.
  if (after === undefined && (await store.list(documentId)).length === 0) throw new Refusal('key-unknown')
  const rotated = await store.rotate(documentId, after).catch((error: unknown) => {
    throw isHintTaken(error) ? new Refusal('rotation-unsupported') : error
  })
  const { keyHint, epoch, active, record, createdMs, origin } = rotated
  if (origin === FIXED) throw new Refusal('rotation-unsupported')
  return show({ keyHint, epoch, state: active ? 'active' : 'inactive', record, createdMs })
}

async function deactivate(store: KeyStore, { documentId, keyHint = '' }: AskedAct): Promise<ShownKey> {
  const entry = await store.deactivate(documentId, keyHint)
  if (entry?.state === 'active') throw new Refusal('rotation-unsupported')
  if (entry?.state !== 'inactive') throw new Refusal('key-unknown')
  return show(entry)
}

async function shred(store: KeyStore, { documentId, keyHint = '' }: AskedAct): Promise<ShownKey> {
  const entry = await store.shred(documentId, keyHint)
  if (!entry) throw new Refusal('key-unknown')
  if (entry.state === 'active') throw new Refusal('key-active')
  return show(entry)
}

async function list(store: KeyStore, { documentId }: AskedAct): Promise<{ keys: ShownKey[] }> {
  return { keys: (await store.list(documentId)).map(show) }
}

export function show({ keyHint, epoch, state, record, createdMs }: KeyEntry): ShownKey {
  return { keyHint, epoch, state, record, createdAt: new Date(createdMs).toISOString() }
}
