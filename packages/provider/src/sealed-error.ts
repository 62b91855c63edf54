/** Who is at fault: it decides who has to act. */
export type Fault = 'bytes' | 'member' | 'caller' | 'platform' | 'relay' | 'us'

interface CodeFacts {
  readonly fault: Fault
  /** What the provider does about it, and what is left for the app to do. */
  readonly action: string
}

/** Every code a provider raises (design §5), who is at fault and what happens next. Codes are stable; texts are not. */
export const PROBLEMS = {
  'key-missing': { fault: 'caller', action: 'pass `keys`; until then the provider is locked and sends nothing' },
  'key-invalid': { fault: 'caller', action: 'mend the key source; the provider is locked and asks again later' },
  'key-weak': {
    fault: 'caller',
    action: 'nothing is refused; use a key of at least 32 random base64 characters, and a hint that is random',
  },
  'key-refused': {
    fault: 'caller',
    action: 'give this user access to the key; the provider is locked and asks again later',
  },
  'key-unknown': {
    fault: 'caller',
    action: 'restore the key at the endpoint; the provider is locked and asks again later',
  },
  'key-unavailable': {
    fault: 'platform',
    action: 'nothing: asked again with back-off; editing goes on, nothing is sent',
  },
  'key-mismatch': {
    fault: 'caller',
    action: 'the endpoint gave another key than the document was sealed with; locked until it changes',
  },
  'key-rotated': {
    fault: 'caller',
    action: 'the endpoint has retired the key: edits wait until a member who may rotate opens the next epoch',
  },
  'rotation-unsupported': {
    fault: 'caller',
    action:
      'the key source gave a key or a hint that was used before: nothing was rotated; use one that makes new keys',
  },
  'stale-epoch': { fault: 'us', action: 'a newer epoch exists that this version cannot read: update the app' },
  tampered: { fault: 'relay', action: 'nothing was applied; tell the operator of the relay' },
  withheld: {
    fault: 'relay',
    action:
      'the relay keeps back what it should have, or what others have seen; it is asked again, at the next connection at the latest',
  },
  gap: { fault: 'relay', action: 'an entry is missing; what waited behind it was applied' },
  rollback: { fault: 'relay', action: 'the relay lost entries; what this device holds is published again' },
  fork: {
    fault: 'relay',
    action:
      'the relay shows two histories: compare with the other members, and load the page anew; local text is kept until then',
  },
  pruned: {
    fault: 'relay',
    action: 'the relay does not keep that part of the history any more; the document is whole',
  },
  'checkpoint-incomplete': {
    fault: 'member',
    action: 'a checkpoint lacked some of the log: what it lacked was published again',
  },
  'relay-fault': { fault: 'relay', action: 'the relay broke the protocol; the provider connects anew' },
  'member-fault': {
    fault: 'member',
    action: 'a member did what no honest client does: it was left out, and nothing of this user is lost; see `sealer`',
  },
  'write-denied': { fault: 'caller', action: 'read-only: local edits are kept and stay unsynced' },
  'auth-required': { fault: 'caller', action: 'pass `token`' },
  'authentication-failed': { fault: 'caller', action: 'get a new token, then call connect()' },
  'session-revoked': { fault: 'caller', action: 'access was withdrawn; local edits are kept' },
  'document-deleted': { fault: 'caller', action: 'the document was deleted at the relay; local edits are kept' },
  limit: {
    fault: 'caller',
    action:
      'nothing, if it was too much at once: tried again by itself; else make the change smaller (undo it, or split it)',
  },
  'initial-failed': { fault: 'caller', action: 'mend the option `initial`, then call connect(): nothing was opened' },
  'update-required': { fault: 'us', action: 'the relay and this app speak different versions: update the older' },
  unsupported: { fault: 'platform', action: 'see the message' },
  storage: { fault: 'platform', action: 'see the message' },
  interrupted: { fault: 'platform', action: 'the session ended meanwhile: try again when the document is connected' },
  destroyed: { fault: 'caller', action: 'the provider was destroyed before the edits were synced' },
  internal: { fault: 'us', action: 'report it: this is a bug in y-sealed' },
} as const satisfies Record<string, CodeFacts>

export type ProblemCode = keyof typeof PROBLEMS

/** What is known of where in the log it shows. Never a culprit: whoever sealed the entry that gives a lie away was perhaps lied to himself. */
export interface KnownPlace {
  readonly sequence?: number
  /** The first 4 bytes of the public salt under which it was sealed, in hexadecimal: names one session of one member. */
  readonly sealer?: string
}

/**
 * The one error type of this package. `code` is stable; `where` names the part; `action` says what happens next.
 * It never holds a key, a token, plaintext or ciphertext.
 */
export class SealedError extends Error {
  override readonly name = 'SealedError'
  readonly code: ProblemCode
  readonly fault: Fault
  readonly where: string
  readonly action: string
  /** Of the log, where one is known. */
  readonly sequence: number | undefined
  /** Whose entry shows it, where one does. */
  readonly sealer: string | undefined

  constructor(code: ProblemCode, message: string, where: string, { sequence, sealer }: KnownPlace = {}) {
    super(message)
    this.code = code
    this.fault = PROBLEMS[code].fault
    this.where = where
    this.action = PROBLEMS[code].action
    this.sequence = sequence
    this.sealer = sealer
  }
}
