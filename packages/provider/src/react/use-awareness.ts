import { useMemo, useSyncExternalStore } from 'react'
import type { Awareness } from 'y-protocols/awareness'

/** Somebody who has the document open, as they describe themselves: `state` is any member's word, to be checked before it is shown. */
export interface Participant {
  readonly clientId: number
  readonly isSelf: boolean
  readonly state: Readonly<Record<string, unknown>>
}

/** Everybody who has the document open, oneself included, by client id. Of a provider, or what `useSealedDocument` returns. */
export function useAwareness({ awareness }: { readonly awareness: Awareness }): readonly Participant[] {
  const { subscribe, read } = useMemo(() => participantsOf(awareness), [awareness])
  return useSyncExternalStore(subscribe, read, read)
}

function participantsOf(awareness: Awareness) {
  const list = (): Participant[] =>
    [...awareness.getStates()]
      .map(([clientId, state]) => ({ clientId, isSelf: clientId === awareness.clientID, state }))
      .sort((a, b) => a.clientId - b.clientId)
  let last = list()
  return {
    read: () => last,
    subscribe(onChange: () => void) {
      const take = (): void => {
        last = list()
        onChange()
      }
      awareness.on('change', take)
      // What changed between rendering and mounting.
      last = list()
      return () => awareness.off('change', take)
    },
  }
}
