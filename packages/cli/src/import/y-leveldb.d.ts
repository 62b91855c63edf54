/** What is used of it, here and in the tests; its own types are not where its exports say. */
declare module 'y-leveldb' {
  export class LeveldbPersistence {
    constructor(folder: string)
    getAllDocNames(): Promise<string[]>
    storeUpdate(name: string, update: Uint8Array): Promise<unknown>
    /** A Yjs V1 update of what the state vector lacks. */
    getDiff(name: string, stateVector: Uint8Array): Promise<Uint8Array>
    destroy(): Promise<void>
  }
}
