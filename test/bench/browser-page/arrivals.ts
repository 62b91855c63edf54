import { SealedProvider, staticKey } from 'y-sealed'
import * as Y from 'yjs'
import { BENCH_KEY } from '../clients/protocols/bench-keys.ts'
import type { Arrived } from './answers.ts'
import { withStallWatch } from './longest-stall.ts'

/** Opens a room with many entries as a page does, from the construction of the provider to `sync(true)`. */
export async function catchUp(url: string, room: string): Promise<Arrived> {
  const doc = new Y.Doc()
  let provider: SealedProvider | undefined
  const { elapsedMs, longestStallMs } = await withStallWatch(() => {
    provider = open(url, room, doc)
    return provider.whenSynced
  })
  const characters = doc.getText('text').length
  provider?.destroy()
  return { elapsedMs, longestStallMs, characters }
}

/** Waits in an open room until so many characters are there; `onOpen` is called when it is open. */
export async function listenUntil(url: string, room: string, characters: number, onOpen: () => void): Promise<Arrived> {
  const doc = new Y.Doc()
  const provider = open(url, room, doc)
  await provider.whenSynced
  const text = doc.getText('text')
  const { elapsedMs, longestStallMs } = await withStallWatch(() => {
    onOpen()
    return new Promise<void>((resolve) => {
      text.observe(() => {
        if (text.length >= characters) resolve()
      })
    })
  })
  provider.destroy()
  return { elapsedMs, longestStallMs, characters: text.length }
}

function open(url: string, room: string, doc: Y.Doc): SealedProvider {
  return new SealedProvider(url, room, doc, { keys: staticKey(BENCH_KEY), disableBc: true, warnOnClose: false })
}
