import type { EnvelopeKind } from '@y-sealed/protocol/header'
import { engine as platformEngine } from '#engine'
import { concat, lengthPrefixed } from './bytes.ts'
import type { DocumentKey } from './document-key.ts'
import { type Engine, KEY_BYTES, type OpeningKey, type Root, type SealingKey } from './engine/engine.ts'
import { misuse, unsupported } from './envelope-error.ts'
import { label } from './label.ts'
import { encodeText, isWellFormed } from './text.ts'

/** What an epoch record says about its keys, and the document that it belongs to (protocol §2). */
export interface EpochParameters {
  /** 1 to 1,024 bytes of UTF-8. */
  documentId: string
  /** 0 to 256 UTF-16 units. */
  keyHint: string
  suite: 1
  /** 1: a guessable document key, made expensive to guess. */
  stretch: 0 | 1
  /** 16 random bytes, drawn by the opener of the epoch. */
  nonce: Uint8Array
  /** Reserved; empty. */
  ext: Uint8Array
}

/** The keys of one epoch of one document. No secret can be read from it. */
export interface EpochKeys {
  readonly documentId: string
  readonly parameters: EpochParameters
  /** 32 public bytes that commit to the key; compared with the record's before anything is opened. */
  readonly epochId: Uint8Array
  readonly engine: Engine
  /** HMAC-SHA-256 under K_link: authorises the record of the next epoch. */
  linkTag(bytes: Uint8Array): Promise<Uint8Array>
  /** HMAC-SHA-256 under K_self: shows that this epoch's record is by a holder of its key. */
  selfTag(bytes: Uint8Array): Promise<Uint8Array>
  /** The subkey of one kind and sealer salt, for sealing. Derived anew at each call. */
  sealingKey(kind: EnvelopeKind, salt: Uint8Array): Promise<SealingKey>
  /** The subkey of one kind and sealer salt, for opening. The last ones used are kept. */
  openingKey(kind: EnvelopeKind, salt: Uint8Array): Promise<OpeningKey>
  /** Drops every key and zeroes raw bytes. Afterwards everything that needs a key rejects with `caller`. */
  forget(): void
}

export const MAX_DOCUMENT_ID_BYTES = 1024
export const MAX_KEY_HINT_UNITS = 256
export const NONCE_BYTES = 16

// OWASP's floor for PBKDF2-HMAC-SHA-256; protocol §2 fixes it for suite 1.
const STRETCH_ITERATIONS = 600_000

// A salt lives for a connection and has two kinds or three: enough for the senders of a busy document at a time, while a
// relay that invents salts cannot grow the map.
const MAX_KEPT_OPENING_KEYS = 1024

/**
 * Derives the keys of an epoch (protocol §2). Parameters are checked before any key is derived: EnvelopeError `unsupported`
 * for a suite, stretch or ext that version 1 does not know, `caller` for anything else out of range.
 */
export async function deriveEpochKeys(
  key: DocumentKey,
  parameters: EpochParameters,
  engine: Engine = platformEngine,
): Promise<EpochKeys> {
  const context = engine.sha256(contextInput(parameters))
  const root = await deriveRoot(encodeText(key), context, parameters.stretch, engine)
  const epochId = await root.bits(label('epoch-id'))
  const opening = createOpeningKeys(root)
  return {
    documentId: parameters.documentId,
    parameters: { ...parameters },
    epochId,
    engine,
    linkTag: (bytes) => root.hmac(label('epoch-link'), bytes),
    selfTag: (bytes) => root.hmac(label('epoch-self'), bytes),
    sealingKey: (kind, salt) => root.sealingKey(subkeyInfo(kind, salt)),
    openingKey: opening.get,
    forget: () => {
      opening.clear()
      root.forget()
    },
  }
}

/** The bytes whose SHA-256 is the context. Hashed because an HKDF info over 1,024 bytes is refused by two engines. */
export function contextInput(parameters: EpochParameters): Uint8Array {
  const { documentId, keyHint, suite, stretch, nonce, ext } = parameters
  if (suite !== 1) throw unsupported(`suite ${suite}`)
  if (stretch !== 0 && stretch !== 1) throw unsupported(`stretch ${stretch}`)
  if (ext.length > 0) throw unsupported('ext is reserved')
  if (!isWellFormed(documentId) || !isWellFormed(keyHint)) throw misuse('documentId and keyHint: well-formed Unicode')
  if (keyHint.length > MAX_KEY_HINT_UNITS) throw misuse(`keyHint: at most ${MAX_KEY_HINT_UNITS} UTF-16 units`)
  if (nonce.length !== NONCE_BYTES) throw misuse(`nonce: ${NONCE_BYTES} bytes`)
  const id = encodeText(documentId)
  if (id.length < 1 || id.length > MAX_DOCUMENT_ID_BYTES) {
    throw misuse(`documentId: 1 to ${MAX_DOCUMENT_ID_BYTES} bytes of UTF-8`)
  }
  return concat(
    label('context'),
    Uint8Array.of(suite, stretch),
    lengthPrefixed(id),
    lengthPrefixed(encodeText(keyHint)),
    nonce,
    lengthPrefixed(ext),
  )
}

/** K_epoch. It passes through raw bytes once, here. */
async function deriveRoot(key: Uint8Array, context: Uint8Array, stretch: 0 | 1, engine: Engine): Promise<Root> {
  const unstretched = await engine.hkdf(key, label('epoch'), context, KEY_BYTES)
  key.fill(0)
  if (stretch === 0) return takeRoot(unstretched, engine)
  const salt = concat(label('stretch'), context)
  const stretched = await engine.pbkdf2(unstretched, salt, STRETCH_ITERATIONS, KEY_BYTES)
  unstretched.fill(0)
  return takeRoot(stretched, engine)
}

async function takeRoot(secret: Uint8Array, engine: Engine): Promise<Root> {
  const root = await engine.root(secret)
  secret.fill(0)
  return root
}

const subkeyInfo = (kind: EnvelopeKind, salt: Uint8Array) => concat(label('seal'), Uint8Array.of(kind), salt)

/** Keeps the opening keys used last. A key is no trust: it may be derived for bytes that then do not open. */
function createOpeningKeys(root: Root) {
  const kept = new Map<string, Promise<OpeningKey>>()

  function derive(name: string, kind: EnvelopeKind, salt: Uint8Array): Promise<OpeningKey> {
    const key = root.openingKey(subkeyInfo(kind, salt))
    key.catch(() => kept.delete(name))
    return key
  }

  return {
    get: (kind: EnvelopeKind, salt: Uint8Array): Promise<OpeningKey> => {
      // Asked for with every envelope: a string of the bytes is the cheapest name that a map takes.
      const name = String.fromCharCode(kind, ...salt)
      const key = kept.get(name) ?? derive(name, kind, salt)
      // Set again, so that the map's order is the order of use and its first key the one to let go.
      kept.delete(name)
      kept.set(name, key)
      const oldest = kept.keys().next()
      if (kept.size > MAX_KEPT_OPENING_KEYS && !oldest.done) kept.delete(oldest.value)
      return key
    },
    clear: () => kept.clear(),
  }
}
