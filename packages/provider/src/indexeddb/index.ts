export { type SealedIndexedDBOptions, sealedIndexedDB } from './sealed-indexeddb.ts'
