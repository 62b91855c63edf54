import * as Y from 'yjs'
import type { LogState } from './log-state.ts'

type DecodedUpdate = ReturnType<typeof Y.decodeUpdate>

/** Whether Yjs would wait with something of an update until it has what is in `state`. */
export function restsOn({ structs, ds }: DecodedUpdate, state: LogState): boolean {
  if (state.isEmpty) return false
  return structs.some((struct) => follows(struct, state) || leansOn(struct, state)) || deletesOf(ds, state)
}

/** It stands beside something of `state`, or in it. */
export function leansOn(struct: DecodedUpdate['structs'][number], state: LogState): boolean {
  return (
    struct instanceof Y.Item &&
    [struct.origin, struct.rightOrigin, struct.parent].some((id) => id instanceof Y.ID && state.has(id))
  )
}

/** A client's structs are taken in their order. */
function follows({ id: { client, clock } }: DecodedUpdate['structs'][number], state: LogState): boolean {
  return clock > 0 && state.has(Y.createID(client, clock - 1))
}

function deletesOf(ds: DecodedUpdate['ds'], state: LogState): boolean {
  for (const [client, items] of ds.clients)
    for (const { clock, len } of items) {
      const missing = state.missingStructs(client, clock, len)
      if (missing.length !== 1 || missing[0]?.[1] !== len) return true
    }
  return false
}
