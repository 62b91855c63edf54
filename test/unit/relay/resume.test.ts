import { HASH_PREFIX_BYTES, type Join } from '@y-sealed/protocol'
import { expect, it } from 'vitest'
import type { LogStore } from '../../../server/relay/src/log/log-store.ts'
import { resume } from '../../../server/relay/src/session/resume.ts'

it('a member whose place is deleted while it joins hears that it was pruned, not that the log is another', async () => {
  const hash = new Uint8Array(32).fill(7)
  const head = new Uint8Array(32).fill(1)
  let asked = 0
  let pruned = 0
  // The sweep runs between the first question about the place and the second, whichever they are.
  const swept = (): void => {
    if (++asked === 1) queueMicrotask(() => (pruned = 20))
  }
  const store: Pick<LogStore, 'records' | 'standing' | 'hashAt'> = {
    records: async () => ({ held: { index: 0, after: 0, hash: head, bytes: new Uint8Array(1) }, after: [] }),
    standing: async () => {
      const now = { pruned }
      swept()
      return now
    },
    hashAt: async (_room, sequence) => {
      const now = sequence <= pruned ? undefined : hash
      swept()
      return now
    },
  }
  const join: Join = {
    type: 'join',
    channel: 1,
    room: 'room',
    token: '',
    params: {},
    head,
    cursor: 10,
    hash: hash.slice(0, HASH_PREFIX_BYTES),
    observe: false,
  }
  const { isConfirmed, standing } = await resume(store as LogStore, join)
  expect({ isConfirmed, isPruned: standing.pruned >= join.cursor }).toEqual({ isConfirmed: false, isPruned: true })
})
