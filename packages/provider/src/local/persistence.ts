import type { Clock } from '@y-sealed/key-client'
import type * as Y from 'yjs'
import type { ChainedEpoch } from '../epoch/chained-epoch.ts'
import type { Adopted, Epoch } from '../epoch/epoch.ts'
import type { Problems } from '../problems.ts'

/** What `sealedIndexedDB()` gives to a provider, which makes its own copy with it. */
export interface Persistence {
  /** Throws SealedError `unsupported` where the platform has no such store. */
  attach(ports: LocalCopyPorts): LocalCopy
}

/** Where a reader stands in the log. */
export interface Standing {
  readonly epoch: Epoch
  /** Every epoch that is held good, the present one last. */
  readonly line: readonly ChainedEpoch[]
  readonly cursor: number
  /** H at the cursor, 32 bytes. */
  readonly hash: Uint8Array
}

/** Where this device stood when it was last here. */
export interface Restored {
  readonly adopted: Adopted
  /** Every epoch that was held good before it, oldest first. */
  readonly before: readonly ChainedEpoch[]
  readonly cursor: number
  readonly hash: Uint8Array
  /** All that the log holds through there, for Yjs; undefined: only where it was is known. */
  readonly update: Uint8Array | undefined
}

export interface LocalCopyPorts {
  readonly relayUrl: string
  readonly room: string
  readonly documentId: string
  readonly doc: Y.Doc
  /** Yjs origin of what is in the log, or in this device's store, already. */
  readonly origin: object
  readonly clock: Clock
  readonly problems: Problems
  /** The epoch of a record that was kept here; asks until there is an answer. Undefined: nobody waits for it any more. */
  adopt(record: Uint8Array): Promise<Adopted | 'locked' | undefined>
  /** The same, asked once. Rejects with KeyError or SealedError. */
  adoptOnce(record: Uint8Array): Promise<Adopted>
  /** Undefined while what was read is not whole: then it says nothing that could be kept. */
  standing(): Standing | undefined
  /** The whole log where the reader stands; undefined while the document holds more or less than that. */
  wholeLog(): Uint8Array | undefined
  /** The reader goes on from there. False: it has begun elsewhere already. */
  resume(restored: Restored): boolean
  /** What this user wrote and nobody has acked: into the document and the outbox. Returns its place in the outbox. */
  restoreEdit(update: Uint8Array, sinceMs: number): number
  /** What is in the document already is not this user's own: the log may lack it for a reason. */
  disown(): void
  /** Everything that was written here so far is durable on this device. */
  onStored(): void
  /** As if this user had written it: what an older store held. */
  adoptPlaintext(update: Uint8Array): void
}

/** A document's sealed copy on this device, and what it is told. Nothing here throws: what fails is a problem `storage`, and costs only the copy. */
export interface LocalCopy {
  /** Resolves when what this device held is in the document, or when there is nothing that could be. */
  readonly whenLoaded: Promise<void>
  /** Everything that was written here so far, and is not at the relay, is durable on this device, and what it rests on is, too: a crash hides nothing of it. */
  readonly isStored: boolean
  /** Resolves when the session may begin: true. False: the answer comes too late, and is to be asked for again. */
  prepare(): Promise<boolean>
  /** This user wrote something; `place`: in the outbox. */
  typed(update: Uint8Array, sinceMs: number, place: number): void
  /** What waits to be sent has other ids now; it is all of it. */
  reissued(update: Uint8Array | undefined, sinceMs: number, place: number): void
  /** Everything through this place of the outbox is in the log. */
  settled(through: number): void
  /** An epoch is in use. */
  entered(epoch: Epoch): void
  /** The log is read anew, from a checkpoint or the start of an epoch. */
  began(): void
  /** An update has entered the log state; `sequence`: where it stands in the log. */
  logged(update: Uint8Array, sequence: number): void
  /** The reader has got on. */
  progress(): void
  /** The key endpoint refuses the key of this hint to this user. */
  refused(keyHint: string): void
  /** The page may never run again, or runs again. */
  hidden(): void
  shown(): void
  /** Deletes everything of this document from the device; nothing more is stored by this provider. */
  wipe(): Promise<void>
  /** Writes what is left to be written; resolves when the store is let go of. */
  destroy(): Promise<void>
}
