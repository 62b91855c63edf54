/**
 * Resolves in another turn of the event loop. Awaiting the platform's crypto is no pause: a browser may do it, and go on, within one task, and a
 * page that seals megabytes in one task does not answer its user. No timer: in a page that is not looked at one may take a minute.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
