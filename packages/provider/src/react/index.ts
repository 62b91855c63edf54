export type { SealedDocument } from './held-document.ts'
export { type Participant, useAwareness } from './use-awareness.ts'
export { type UseSealedDocumentOptions, useSealedDocument } from './use-sealed-document.ts'
export { useSyncStatus } from './use-sync-status.ts'
