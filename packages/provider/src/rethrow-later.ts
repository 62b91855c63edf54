/**
 * Runs code of the app (its listeners) where its exception must not stop ours. It is the app's error to see: it surfaces as an uncaught one, as
 * that of any event listener does.
 */
export function rethrowLater(run: () => void): void {
  try {
    run()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
