/**
 * Resolves in another turn of the event loop. Awaiting the platform's crypto is no pause: a browser may do it, and go on, within one task, and a
 * page that seals megabytes in one task does not answer its user. No timer: in a page that is not looked at one may take a minute.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    // Node's: there the first message of a MessageChannel loads what `fetch` is made of, which takes 50 ms.
    if (typeof globalThis.setImmediate === 'function') {
      globalThis.setImmediate(resolve)
      return
    }
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}

/** Maps all, in order, `perTurn` of them at a time with a turn of the event loop between: nothing else is kept waiting for longer than these take. */
export async function mapInTurns<Item, Result>(
  items: readonly Item[],
  perTurn: number,
  map: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let at = 0; at < items.length; at += perTurn) {
    if (at > 0) await nextTurn()
    const some = items.slice(at, at + perTurn)
    results.push(...(await Promise.all(some.map((item, i) => map(item, at + i)))))
  }
  return results
}

/** Joins pieces, `perTurn` of them at a time: memory that is new to a page takes its time. */
export async function concatInTurns(pieces: readonly Uint8Array[], perTurn: number): Promise<Uint8Array> {
  const [first] = pieces
  if (first !== undefined && pieces.length === 1) return first
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  await mapInTurns(pieces, perTurn, async (piece) => {
    whole.set(piece, at)
    at += piece.length
  })
  return whole
}
