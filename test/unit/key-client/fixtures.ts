import type { KeyRequest, KeySource } from '@y-sealed/key-client'

/** Looks like a key and is searched for wherever no key may be. */
export const CANARY_KEY = 'canary-Kq7Zt3Wv9Xb2Nf5Ld8Rh1Pc4Jg6My0Ts'

export const LONE_SURROGATE = '\ud83d'

export interface ScriptedSource {
  readonly source: KeySource
  readonly requests: KeyRequest[]
}

/** Answers the n-th request by the n-th step, the last one for ever. A step that is a function is called. */
export function scripted(...steps: ((request: KeyRequest) => unknown)[]): ScriptedSource {
  const requests: KeyRequest[] = []
  const source: KeySource = (request) => {
    const step = steps[Math.min(requests.length, steps.length - 1)]
    requests.push(request)
    return step?.(request)
  }
  return { source, requests }
}

export function never(): Promise<never> {
  return new Promise(() => {})
}

export const ASKED: KeyRequest = { documentId: 'doc-é', keyHint: 'h1' }

/** What asking fails with; undefined if it does not. */
export async function failureOf(source: KeySource, request: KeyRequest = ASKED): Promise<unknown> {
  try {
    await source(request)
    return undefined
  } catch (error) {
    return error
  }
}
