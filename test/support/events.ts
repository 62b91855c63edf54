import type * as Y from 'yjs'

/** Anything with `on` and `off`: a provider, a Yjs document, awareness, a Node emitter. */
interface Emitter {
  on(event: never, listener: never): unknown
  off(event: never, listener: never): unknown
}

// Not how long a step should take, only when to give up and say what was being waited for; vitest's own message cannot.
const PATIENCE_MS = 10_000

/**
 * Resolves with the first event (its arguments as a list) that satisfies the predicate.
 * Subscribe before you cause the event: `const seen = until(…); act(); await seen`.
 */
export function until<Arguments extends unknown[] = unknown[]>(
  emitter: Emitter,
  event: string,
  predicate: (...args: Arguments) => boolean = () => true,
  what: string = event,
): Promise<Arguments> {
  return withPatience(what, (done, fail) => {
    const listener = (...args: Arguments): void => {
      try {
        if (predicate(...args)) done(args)
      } catch (error) {
        fail(error)
      }
    }
    // The emitters type their events each in their own way; here the name is only passed on.
    emitter.on(event as never, listener as never)
    return () => emitter.off(event as never, listener as never)
  })
}

/** Resolves as soon as the condition holds: now, or after one of the document's updates. */
export function untilChanged(doc: Y.Doc, condition: () => boolean, what = 'the document to change'): Promise<void> {
  if (condition()) return Promise.resolve()
  return until(doc, 'update', condition, what).then(() => undefined)
}

/** Resolves as soon as the condition holds: now, or at one of the emitter's events. */
export function untilTrue(emitter: Emitter, event: string, condition: () => boolean, what = event): Promise<void> {
  if (condition()) return Promise.resolve()
  return until(emitter, event, condition, what).then(() => undefined)
}

/** Resolves when the text of the document is exactly this. */
export function untilText(doc: Y.Doc, text: string, name = 'text'): Promise<void> {
  const type = doc.getText(name)
  return untilChanged(doc, () => type.toString() === text, `the text ${JSON.stringify(text)}`).catch((error: Error) => {
    throw new Error(`${error.message}; it is ${JSON.stringify(type.toString().slice(0, 200))}`)
  })
}

/** Rejects with a sentence instead of hanging until the test runner gives up without one. */
export function patiently<T>(promise: PromiseLike<T>, what: string, patienceMs = PATIENCE_MS): Promise<T> {
  return withPatience(
    what,
    (done, fail) => {
      promise.then(done, fail)
      return () => {}
    },
    patienceMs,
  )
}

function withPatience<T>(
  what: string,
  start: (done: (value: T) => void, fail: (error: unknown) => void) => () => unknown,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let stop: () => unknown = () => {}
    const timer = setTimeout(() => finish(() => reject(new Error(`waited in vain for ${what}`))), patienceMs)
    const finish = (settlePromise: () => void): void => {
      clearTimeout(timer)
      stop()
      settlePromise()
    }
    stop = start(
      (value) => finish(() => resolve(value)),
      (error) => finish(() => reject(error)),
    )
  })
}
